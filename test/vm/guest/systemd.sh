# Makes systemd, as the host has it, start D-Bus and the job and nothing else. Read by init.sh, in the new root.
rm -rf etc/systemd/system var/log/journal
mkdir -p etc/systemd/system/dbus.socket.d etc/systemd/system/dbus.service.d
printf '[Unit]\nDefaultDependencies=no\n' | tee etc/systemd/system/dbus.socket.d/vm.conf >etc/systemd/system/dbus.service.d/vm.conf
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
