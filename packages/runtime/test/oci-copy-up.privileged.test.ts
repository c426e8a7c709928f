import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { fsetxattr, lgetxattr, makedev, mknodat, S_IFCHR, S_IFIFO } from '@ctr/linux'
import { closeSync, openSync } from 'node:fs'
import { mappings, TestBundle } from './support/oci-container.js'

leakCheck()

let bundle: TestBundle
beforeEach(() => {
  bundle = new TestBundle()
  const data = join(bundle.rootfs, 'data')
  mkdirSync(join(data, 'deep/er'), { recursive: true })
  writeFileSync(join(data, 'deep/er/file'), 'content\n', { mode: 0o640 })
  linkSync(join(data, 'deep/er/file'), join(data, 'other name'))
  symlinkSync('../nowhere', join(data, 'link'))
  writeFileSync(join(data, 'sparse'), 'begin')
  truncateSync(join(data, 'sparse'), 2 ** 30)
  writeFileSync(Buffer.concat([Buffer.from(`${data}/`), Buffer.from([0xff, 0x41])]), 'not UTF-8\n')
  mknodat(-100, join(data, 'fifo'), S_IFIFO + 0o600)
  mknodat(-100, join(data, 'device'), S_IFCHR + 0o600, makedev(1, 3))
  const fd = openSync(join(data, 'deep/er/file'), 'r')
  fsetxattr(fd, 'trusted.test', Buffer.from('kept'))
  closeSync(fd)
  chownSync(join(data, 'deep/er'), 12, 34)
  chmodSync(join(data, 'deep/er'), 0o3777)
  utimesSync(join(data, 'deep/er/file'), 1000, 2000)
  utimesSync(join(data, 'deep/er'), 1000, 3000)
  chmodSync(data, 0o751)
})
afterEach(() => {
  bundle[Symbol.dispose]()
})
const copy = (...options: string[]) => [
  { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', ...options] },
]

describeOn(['root'], 'tmpcopyup', () => {
  it('begins with all that the image has there, and changes nothing of it', async () => {
    const script = `cd /data
      cat deep/er/file ?A; readlink link
      stat -c '%n %a %u:%g %Y %h %F' . deep/er deep/er/file fifo device sparse
      test deep/er/file -ef 'other name' && echo linked
      du -k sparse; stat -f -c %T .; grep -o ' /data .*' /proc/mounts; rm -r *`
    const shown = (await bundle.output(script, { mounts: copy('nosuid', 'size=1m') })).split('\n')
    expect(shown).toEqual([
      'content',
      'not UTF-8',
      '../nowhere',
      expect.stringMatching(/^\. 751 0:0 \d+ 3 directory$/),
      'deep/er 3777 12:34 3000 2 directory',
      'deep/er/file 640 0:0 2000 2 regular file',
      expect.stringMatching(/^fifo 600 0:0 \d+ 1 fifo$/),
      expect.stringMatching(/^device 600 0:0 \d+ 1 character special file$/),
      expect.stringMatching(/^sparse 644 0:0 \d+ 1 regular file$/),
      'linked',
      expect.stringMatching(/^[0-8]\tsparse$/),
      'tmpfs',
      expect.stringMatching(/^ \/data tmpfs rw,nosuid,.*size=1024k.*mode=751/),
    ])
    expect(statSync(join(bundle.rootfs, 'data/sparse')).size).toBe(2 ** 30)
  })

  it('keeps extended attributes', async () => {
    // the busybox of Debian cannot show them: the container's tmpfs is looked at from the host
    const container = await bundle.start('exec sleep 100', { mounts: copy() })
    const path = `/proc/${container.state().pid}/root/data/deep/er/file`
    expect(String(lgetxattr(path, 'trusted.test'))).toBe('kept')
    await container.delete({ force: true })
  })

  it('is read-only when it is filled, where that is asked for', async () => {
    const { output } = await bundle.run('cat /data/deep/er/file; touch /data/x', { mounts: copy('ro') })
    expect(output).toBe('content\ntouch: /data/x: Read-only file system')
  })

  it('has the ids of the container in a user namespace, and no devices', async () => {
    execFileSync('chown', [
      '-R',
      `${mappings[0]!.hostID}:${mappings[0]!.hostID}`,
      join(bundle.rootfs, 'data'),
    ])
    const script =
      'stat -c "%u:%g %a" /data /data/deep/er/file; touch /data/mine; grep -o "/data .*nodev" /proc/mounts'
    expect(await bundle.output(script, { mounts: copy(), user: true })).toMatch(
      /^0:0 751\n0:0 640\n\/data tmpfs .*nodev/,
    )
  })

  it('says that it does not fit', async () => {
    writeFileSync(join(bundle.rootfs, 'data/large'), Buffer.alloc(2 ** 20, 1))
    expect(await bundle.refusal({ mounts: copy('size=512k') })).toMatch(
      /cannot copy \/data .*does not fit.*no space left/,
    )
    expect(await bundle.refusal({ mounts: copy('nr_inodes=4') })).toMatch(/does not fit/)
  })
})
