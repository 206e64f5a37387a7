"""TLS: certificates are verified, one's own authority can be named, and a proxy is honoured."""

import subprocess

from harness import trees
from harness.case import RealServerCase
from harness.memoryserver import MemoryServer


CA_CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {place}/ca.index
new_certs_dir = {place}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = {name}
"""


class TLSTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.authority = self.place / "ca.pem"

    def start(self, name="IP:127.0.0.1", begin="20200101000000Z", end="20990101000000Z"):
        """A server with a certificate for `name`, which it signed itself, and an installation that uses it."""
        key, request, certificate = (self.place / file for file in ("key.pem", "request.pem", "server.pem"))
        (self.place / "ca.index").write_text("")
        configuration = self.place / "ca.cnf"
        configuration.write_text(CA_CONFIGURATION.format(place=self.place, name=name))
        make = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request]
        sign = ["ca", "-batch", "-selfsign", "-notext", "-config", configuration, "-keyfile", key, "-in", request]
        sign += ["-startdate", begin, "-enddate", end, "-out", self.authority]
        for command in (make, sign):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        certificate.write_bytes(key.read_bytes() + self.authority.read_bytes())
        self.memory = MemoryServer(certificate)
        self.addCleanup(self.memory.close)
        self.up = self.machine(endpoint=self.memory.endpoint)
        trees.write_many(self.up.root, 3)

    def assert_refused(self, word):
        run = self.up.once(expect=69)
        self.assertIn("certificate", run.err.lower())
        self.assertIn(word, run.err.lower())
        self.assertEqual(self.memory.objects, {})

    def test_an_unknown_authority_is_refused(self):
        self.start()
        self.assert_refused("self")

    def test_a_certificate_for_another_host_is_refused(self):
        self.start(name="DNS:other.example")
        self.up.connection["caFile"] = str(self.authority)
        self.assert_refused("127.0.0.1")

    def test_a_certificate_that_has_expired_is_refused(self):
        self.start(end="20210101000000Z")
        self.up.connection["caFile"] = str(self.authority)
        self.assert_refused("expired")

    def test_ones_own_authority_is_trusted(self):
        self.start()
        self.up.connection["caFile"] = str(self.authority)
        self.assert_counts(self.up.once(), uploaded=3)
        self.assertEqual(len(self.memory.objects), 3)


class ProxyTests(RealServerCase):
    def test_the_proxy_of_the_environment_is_used(self):
        machine = self.machine(endpoint="http://s3.example.invalid")
        trees.write_many(machine.root, 3)
        machine.write_config()
        memory = MemoryServer()
        self.addCleanup(memory.close)
        run = machine.start("--once", "--json", environment={"http_proxy": memory.endpoint}).wait(expect=0)
        self.assert_counts(run, uploaded=3)
        self.assertEqual(len(memory.objects), 3)
