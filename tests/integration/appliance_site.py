"""A site with a user who fetches the credentials of calls, push and Wi-Fi, as the appliance has one. Of its processes the software TPM
and gims-keyd run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rig import SiteTest, gimssite

SERVICES = 1205  # a user without a name; nothing else runs as it


class ApplianceSite(gimssite.Site):
    def configuration(self):
        texts = super().configuration()
        texts["gims-keyd"] += f'services = "{SERVICES}"\n'
        return texts

    @property
    def service_settings(self):
        return self.etc / "services.toml"

    def fetch(self, out, lists, address="192.0.2.1", user=SERVICES):
        """(exit status, what it printed)"""
        run = subprocess.run([self.program("gims-keyd"), "--config", self.etc / "gims-keyd.toml", "services", "--out", out, "--lists-out", lists,
                              "--relay-address", address, "--settings", self.service_settings],
                             capture_output=True, text=True, timeout=120, user=user, group=user, extra_groups=[], cwd="/")
        return run.returncode, run.stdout + run.stderr


def folder_in(test, parent, owner=SERVICES, mode=0o700):
    """For as long as the test runs."""
    folder = Path(tempfile.mkdtemp(prefix="gims-", dir=parent))
    test.addCleanup(shutil.rmtree, folder)
    os.chown(folder, owner, owner)
    folder.chmod(mode)
    return folder


class ApplianceTest(SiteTest):
    site_class = ApplianceSite
    started = False

    def setUp(self):
        super().setUp()
        self.site.prepare()
        self.site.start_tpm()
        self.site.start_keyd()

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
