#!/bin/sh
# Installs or upgrades the enforcer on this machine, as root, without a network. The version before
# stays beside the new one: to go back, point `current` at it, unless the new one changed the index.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's/^retention-enforcer==\([^ ]*\) .*/\1/p' requirements.txt)
home=/opt/retention-enforcer

python3 -m venv "$home/$version"
"$home/$version/bin/pip" install --quiet --disable-pip-version-check --no-index \
    --find-links wheels --require-hashes --requirement requirements.txt
ln -sfn "$version" "$home/current.new"
mv -fT "$home/current.new" "$home/current"
for program in enforcer auditor; do
    ln -sf "$home/current/bin/$program" "/usr/local/bin/$program"
done

install -D -m 644 systemd/*.service -t /etc/systemd/system
install -D -m 644 systemd/retention-enforcer.sysusers.conf /etc/sysusers.d/retention-enforcer.conf
install -D -m 644 systemd/retention-enforcer.tmpfiles.conf /etc/tmpfiles.d/retention-enforcer.conf
systemd-sysusers retention-enforcer.conf
systemd-tmpfiles --create retention-enforcer.conf
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart retention-enforcer.service
fi
echo "retention-enforcer $version is installed in $home/$version."
