#!/bin/busybox sh
# The machine's first program, in the initial file system. It puts a layer of memory over the file system of the
# host, which is mounted read-only, and hands over to what starts the job there.
/bin/busybox --install -s /bin
export PATH=/bin
. /settings

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module"; done </modules/order

mount -t virtiofs -o ro host /host
mount -t tmpfs layer /layer
mkdir -p /layer/upper/etc /layer/work
# what is below a layer must stay as it is, and the host makes and removes users meanwhile
for name in passwd group shadow gshadow subuid subgid; do
  for file in "/host/etc/$name" "/host/etc/$name-"; do
    [ -e "$file" ] && cp -p "$file" /layer/upper/etc
  done
done
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root

mount --move /dev /root/dev
mount --move /proc /root/proc
mount --move /sys /root/sys
cd /root
mount -t tmpfs -o mode=755,nosuid,nodev run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=1777 tmp var/tmp
mkdir -p dev/pts dev/shm dev/mqueue
# as on any host
ln -s /proc/self/fd dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "dev/${n#*:}"; done
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t mqueue mqueue dev/mqueue
mount -t securityfs securityfs sys/kernel/security
mount -t bpf bpf sys/fs/bpf
mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 sys/fs/cgroup
# containers have overlays of their own, and those cannot lie upon an overlay
mkdir -p var/lib/ctrjs
mount -t tmpfs -o mode=700 ctrjs var/lib/ctrjs

# the project may lie where memory is mounted now
if [ ! -e "/root$PROJECT/package.json" ]; then
  mkdir -p "/root$PROJECT" /layer/project /layer/project-work
  mount -t overlay -o "lowerdir=/host$PROJECT,upperdir=/layer/project,workdir=/layer/project-work" project "/root$PROJECT"
fi

# what the host's own system leaves there, and what would say that this is a container
rm -rf etc/fstab .dockerenv

# the kernel loads the modules that programs ask for, as on any machine
mkdir -p lib/modules/"$(uname -r)"
mount --bind "/root$MODULES" lib/modules/"$(uname -r)"
[ -e sbin/modprobe ] || ln -s "$BUSYBOX" sbin/modprobe
for module in loop tun fuse virtio_blk; do chroot . /sbin/modprobe -q $module; done

ip link set lo up
hostname vm
mkdir run/vm
cp /job /start run/vm
for port in sys/class/virtio-ports/*; do
  ln -s "/dev/${port##*/}" "run/vm/$(cat "$port/name")"
done

if [ "$INIT" = systemd ]; then
  . /systemd
  exec switch_root /root /lib/systemd/systemd --unit=vm.service --show-status=false
fi
exec switch_root /root /bin/sh /run/vm/start
