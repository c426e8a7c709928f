/**
 * A shell command that makes a new ext4 in a file and mounts it at a new folder `$1`, and one that takes both away: on a
 * used file system, deleting and unpacking again measures how it uses inodes again, not who unpacks.
 */
export const freshDisk = {
  make: (folder: string, gibibytes: number): string =>
    `mkdir -p ${folder} && truncate -s ${gibibytes}G ${folder}.ext4 && mkfs.ext4 -q -F ${folder}.ext4 && ` +
    `mount -o loop ${folder}.ext4 ${folder}`,
  remove: (folder: string): string =>
    `{ ! mountpoint -q ${folder} || umount ${folder}; } && rm -rf ${folder}.ext4 && rmdir ${folder}`,
}
