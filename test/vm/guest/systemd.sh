# Makes systemd, as the host has it, start D-Bus and the job and nothing else. Read by init.sh, in the new root.
rm -rf etc/systemd/system var/log/journal
# they would bring a whole system up with them; sessions of users are for tests of delegation
for unit in dbus.socket dbus.service systemd-logind.service user@.service user-runtime-dir@.service; do
  mkdir -p "etc/systemd/system/$unit.d"
  printf '[Unit]\nDefaultDependencies=no\n' >"etc/systemd/system/$unit.d/vm.conf"
done
# it would empty /tmp, where tests have their files by then
ln -s /dev/null etc/systemd/system/systemd-tmpfiles-setup.service
cat >etc/systemd/system/vm.service <<END
[Unit]
DefaultDependencies=no
Requires=dbus.socket dbus.service
After=dbus.socket dbus.service

[Service]
ExecStart=/bin/sh /run/vm/start
END
# there is no place for logs, and nobody to read them
mkdir -p etc/systemd/system.conf.d
printf '[Manager]\nDefaultStandardOutput=null\nDefaultStandardError=null\n' >etc/systemd/system.conf.d/vm.conf
