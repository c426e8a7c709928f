import { describe, expect, it } from '@jest/globals'
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
} from '@ctr/linux'
import { bindAttributes } from './bind-attributes.js'
import { knownMountOptions, parseMountOptions } from './mount-options.js'

const TIMES = 0x70 | MOUNT_ATTR_NODIRATIME
const parse = (text: string) => parseMountOptions(text === '' ? [] : text.split(' '))

describe('parseMountOptions()', () => {
  it('makes nothing of no options', () => {
    expect(parse('')).toEqual({
      bind: false,
      remount: false,
      attributesSet: 0,
      attributesClear: 0,
      recursiveSet: 0,
      recursiveClear: 0,
      propagation: [],
      superblock: [],
      data: [],
      copyUp: false,
      idmap: undefined,
      sourceNoFollow: false,
      destinationNoFollow: false,
      copySymlink: false,
    })
  })

  it.each<[string, number, number]>([
    ['ro nosuid nodev noexec nosymfollow', 0x20000f, 0],
    ['rw suid dev exec symfollow', 0, 0x20000f],
    ['ro rw', 0, MOUNT_ATTR_RDONLY],
    ['rw ro', MOUNT_ATTR_RDONLY, 0],
    ['noatime', MOUNT_ATTR_NOATIME, TIMES],
    ['noatime strictatime', MOUNT_ATTR_STRICTATIME, TIMES],
    ['strictatime relatime', 0, TIMES],
    ['nodiratime', MOUNT_ATTR_NODIRATIME, TIMES],
    ['noatime nodiratime', MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME, TIMES],
    ['nodiratime diratime', 0, 0],
    ['noatime atime', 0, 0],
    ['noatime norelatime', MOUNT_ATTR_NOATIME, TIMES],
    ['atime', 0, 0],
    ['norelatime nostrictatime diratime', 0, 0],
    ['defaults iversion noiversion silent loud', 0, 0],
  ])('%s sets %i and clears %i', (options, set, clear) => {
    expect(parse(options)).toMatchObject({ attributesSet: set, attributesClear: clear, data: [] })
  })

  it.each<[string, number, number]>([
    ['rro', MOUNT_ATTR_RDONLY, 0],
    ['rro rrw', 0, MOUNT_ATTR_RDONLY],
    ['rnosuid rnodev rnoexec rnosymfollow rnodiratime', 0x20008e, 0],
    ['rsuid rdev rexec rsymfollow rdiratime', 0, 0x20008e],
    ['rnoatime', MOUNT_ATTR_NOATIME, 0x70],
    ['rnoatime rstrictatime', MOUNT_ATTR_STRICTATIME, 0x70],
    ['rrelatime', 0, 0x70],
    ['ratime', 0, 0x70],
    ['rnorelatime', 0, 0x70],
    ['rnostrictatime', 0, 0x70],
  ])('%s sets %i and clears %i in all mounts below', (options, set, clear) => {
    expect(parse(options)).toMatchObject({
      recursiveSet: set,
      recursiveClear: clear,
      attributesSet: 0,
      attributesClear: 0,
    })
  })

  it('tells binds and propagation, in order', () => {
    expect(parse('bind rslave shared').bind).toBe('bind')
    expect(parse('rbind bind').bind).toBe('rbind')
    expect(parse('bind rprivate slave rshared').propagation).toEqual([
      MS_PRIVATE | MS_REC,
      MS_SLAVE,
      MS_SHARED | MS_REC,
    ])
    expect(parse('remount').remount).toBe(true)
  })

  it('keeps the last of flags of the file system that contradict each other', () => {
    expect(parse('sync async dirsync lazytime nolazytime mand').superblock).toEqual([
      'async',
      'dirsync',
      'nolazytime',
      'mand',
    ])
    expect(parse('rsync rmand rnomand rdirsync').superblock).toEqual(['sync', 'nomand', 'dirsync'])
    expect(parse('ro')).toMatchObject({ superblock: ['ro'], attributesSet: MOUNT_ATTR_RDONLY })
  })

  it('leaves the rest to the file system', () => {
    expect(parse('mode=755 newinstance size=64k lowerdir=/a:/b=c').data).toEqual([
      ['mode', '755'],
      ['newinstance'],
      ['size', '64k'],
      ['lowerdir', '/a:/b=c'],
    ])
    expect(
      parseMountOptions(['', 'mode=1777,nosuid', 'context="u:r:t:s0:c1,c2"', 'lowerdir=a\\,b,x']).data,
    ).toEqual([['mode', '1777'], ['context', 'u:r:t:s0:c1,c2'], ['lowerdir', 'a\\,b'], ['x']])
  })

  it('reads extensions', () => {
    expect(parse('tmpcopyup src-nofollow dest-nofollow copy-symlink')).toMatchObject({
      copyUp: true,
      sourceNoFollow: true,
      destinationNoFollow: true,
      copySymlink: true,
      data: [],
    })
    expect(parse('idmap').idmap).toEqual({ recursive: false })
    expect(parse('ridmap').idmap).toEqual({ recursive: true })
    expect(parse('ridmap=uids=0-1-10#@10-0-1;gids=5-6-7').idmap).toEqual({
      recursive: true,
      uidMappings: [
        { containerID: 0, hostID: 1, size: 10, relative: false },
        { containerID: 10, hostID: 0, size: 1, relative: true },
      ],
      gidMappings: [{ containerID: 5, hostID: 6, size: 7, relative: false }],
    })
  })

  it.each([
    'idmap=x',
    'idmap=uids=0-0-1',
    'idmap=uids=0-0-0;gids=0-0-1',
    'idmap=uids=0-0-4294967297;gids=0-0-1',
    `idmap=uids=${'0-0-1#'.repeat(400)}0-0-1;gids=0-0-1`,
  ])('refuses %s', (option) => {
    expect(() => parse(option)).toThrow('cannot use the config: mount option idmap must be like ')
  })
})

describe('bindAttributes()', () => {
  const all =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW

  it('keeps what the source has when no option is about attributes', () => {
    expect(bindAttributes(parse('rbind rprivate'))).toBeUndefined()
    expect(bindAttributes(parse('bind atime norelatime diratime'))).toBeUndefined()
  })

  it('clears what is not named, but for access times; with locked attributes only what cannot be locked', () => {
    expect(bindAttributes(parse('bind ro'))).toEqual({
      wanted: { set: MOUNT_ATTR_RDONLY, clear: all & ~MOUNT_ATTR_RDONLY },
      locked: { set: MOUNT_ATTR_RDONLY, clear: MOUNT_ATTR_NOSYMFOLLOW },
    })
    expect(bindAttributes(parse('bind dev noatime nosymfollow'))).toEqual({
      wanted: {
        set: MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW,
        clear: (all & ~MOUNT_ATTR_NOSYMFOLLOW) | TIMES,
      },
      locked: { set: MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW, clear: MOUNT_ATTR_NODEV | TIMES },
    })
  })
})

describe('knownMountOptions()', () => {
  it('has all that the specification names, and none of them is data', () => {
    const specified =
      `async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev
      nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind
      rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
      rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared
      silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap`.split(/\s+/)
    const known = knownMountOptions()
    expect(known).toEqual(expect.arrayContaining(specified))
    expect(new Set(known).size).toBe(known.length)
    expect(parseMountOptions(known).data).toEqual([])
  })
})
