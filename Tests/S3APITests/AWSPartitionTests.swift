import Testing

@testable import S3API

struct AWSPartitionTests {
    @Test(arguments: [
        ("eu-west-1", "aws", "amazonaws.com"), ("us-east-1", "aws", "amazonaws.com"), ("auto", "aws", "amazonaws.com"),
        ("", "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"), ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"), ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"), ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
    ])
    func `a region says its partition and the end of its hosts`(region: String, id: String, suffix: String) {
        let partition = AWSPartition.of(region: region)
        #expect(partition.id == id)
        #expect(partition.hostSuffix == suffix)
    }

    @Test(arguments: [
        ("b.s3.eu-west-1.amazonaws.com", true), ("b.s3.cn-north-1.amazonaws.com.cn", true),
        ("s3.eusc-de-east-1.amazonaws.eu", true), ("s3.amazonaws.com.example.net", false), ("amazonaws.com", false),
        ("s3.notamazonaws.com", false), ("", false),
    ])
    func `AWS's hosts are known by their end`(host: String, isAWS: Bool) {
        #expect(AWSPartition.isHost(host) == isAWS)
    }

    @Test(arguments: [
        ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"), ("auto", "https://sts.us-east-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
    ])
    func `STS lies where the region's partition has it`(region: String, endpoint: String) throws {
        #expect(try TokenService(override: nil, region: region).endpoint.text == endpoint)
    }
}
