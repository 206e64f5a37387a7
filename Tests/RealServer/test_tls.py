"""TLS: certificates are verified, one's own authority can be named, and a proxy is honoured."""

import subprocess

from harness import trees
from harness.case import RealServerCase
from harness.memoryserver import MemoryServer


class TLSTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.certificate = self.place / "server.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.certificate, "-out", self.place / "ca.pem"]
        subprocess.run(command, check=True, capture_output=True)
        with open(self.certificate, "ab") as file:
            file.write((self.place / "ca.pem").read_bytes())
        self.memory = MemoryServer(self.certificate)
        self.addCleanup(self.memory.close)
        self.up = self.machine(endpoint=self.memory.endpoint)
        trees.write_many(self.up.root, 3)

    def test_an_unknown_authority_is_refused(self):
        run = self.up.once(expect=69)
        self.assertIn("certificate", run.err)
        self.assertEqual(self.memory.objects, {})

    def test_ones_own_authority_is_trusted(self):
        self.up.connection["caFile"] = str(self.place / "ca.pem")
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
