"""A site as the appliance has it around gims-keyd: with a socket for the data volume's key, and a user who fetches the credentials
of calls, push and Wi-Fi. Of its processes the software TPM and gims-keyd run."""

import os
import socket

from rig import SiteTest, gimssite

SERVICES = 1205  # a user without a name; nothing else runs as it


class ApplianceSite(gimssite.Site):
    def configuration(self):
        texts = super().configuration()
        texts["gims-keyd"] = f'volume_key_socket = "{self.volume_key}"\n' + texts["gims-keyd"] + f'services = "{SERVICES}"\n'
        return texts

    @property
    def volume_key(self):
        return self.run / "keyd/volume.key"


class ApplianceTest(SiteTest):
    site_class = ApplianceSite
    started = False

    def setUp(self):
        super().setUp()
        self.site.prepare()
        self.site.start_tpm()
        self.site.start_keyd()

    def restart_keyd(self):
        self.site.keyd.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()

    def lock(self):
        """gims-keyd without its TPM, until the test's end."""
        self.site.keyd.stop()
        self.site.tpm.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertEqual(self.site.keyd_state(), "locked")

    def zeroize(self):
        self.site.decide("zeroize")
        self.assertEqual(self.site.keyd_state(), "zeroized")

    def read_volume_key(self, name="gims-data", uid=0):
        """As systemd-cryptsetup reads a key from a socket (crypttab(5)): bound to a name that tells what for; to the end."""
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(60)
            reader.bind(f"\0{os.urandom(8).hex()}/cryptsetup/{name}".encode())
            own = os.geteuid()
            os.seteuid(uid)
            try:
                reader.connect(str(self.site.volume_key))
            finally:
                os.seteuid(own)
            key = b""
            while part := reader.recv(4096):
                key += part
            return key
