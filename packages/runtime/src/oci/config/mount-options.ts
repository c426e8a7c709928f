import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '@ctr/linux'
import { accessTimes, accessTimeAttributes, ALL_ACCESS_TIMES, type AccessTime } from './access-time.js'
import { parseIdmap, type ParsedIdmap } from './mount-idmap.js'

/** What the options of a mount ask for, in the terms of the kernel's mount calls. */
export interface ParsedMountOptions {
  readonly bind: false | 'bind' | 'rbind'
  /** Changes a mount that is there already, as `mount -o remount`. */
  readonly remount: boolean
  /** `MOUNT_ATTR_*` to set on the mount alone, not on those below it. */
  readonly attributesSet: number
  /**
   * `MOUNT_ATTR_*` that an option clears. When an option is about access times, all of theirs, as mount_setattr(2) wants
   * it.
   */
  readonly attributesClear: number
  /** `MOUNT_ATTR_*` to set on the mount and on all below it (`AT_RECURSIVE`). */
  readonly recursiveSet: number
  readonly recursiveClear: number
  /** `MS_SHARED` and so on, with `MS_REC` when it is for all mounts below too, in the order to apply them in. */
  readonly propagation: readonly number[]
  /**
   * Flags of the file system itself, as fsconfig(2) takes them (`FSCONFIG_SET_FLAG`): `ro` or `rw`, `sync` or `async`,
   * `dirsync`, `lazytime` or `nolazytime`, `mand` or `nomand`. A bind cannot have them.
   */
  readonly superblock: readonly string[]
  /** All the other options, which only the file system knows, in order. Without a value they are flags. */
  readonly data: readonly (readonly [key: string, value?: string])[]
  /** `tmpcopyup`: a new tmpfs begins with a copy of what the image has there. */
  readonly copyUp: boolean
  /** `idmap` and `ridmap`. */
  readonly idmap: ParsedIdmap | undefined
  /** `src-nofollow`: a source that is a symbolic link is mounted itself. */
  readonly sourceNoFollow: boolean
  /** `dest-nofollow`: a destination that is a symbolic link is mounted over itself. */
  readonly destinationNoFollow: boolean
  /** `copy-symlink`: a source that is a symbolic link is copied instead of mounted. */
  readonly copySymlink: boolean
}

type Change = readonly [attribute: number, set: boolean]

const attributes: ReadonlyMap<string, Change> = new Map<string, Change>([
  ['ro', [MOUNT_ATTR_RDONLY, true]],
  ['rw', [MOUNT_ATTR_RDONLY, false]],
  ['nosuid', [MOUNT_ATTR_NOSUID, true]],
  ['suid', [MOUNT_ATTR_NOSUID, false]],
  ['nodev', [MOUNT_ATTR_NODEV, true]],
  ['dev', [MOUNT_ATTR_NODEV, false]],
  ['noexec', [MOUNT_ATTR_NOEXEC, true]],
  ['exec', [MOUNT_ATTR_NOEXEC, false]],
  ['nosymfollow', [MOUNT_ATTR_NOSYMFOLLOW, true]],
  ['symfollow', [MOUNT_ATTR_NOSYMFOLLOW, false]],
])

const recursiveAttributes: ReadonlyMap<string, Change> = new Map<string, Change>([
  ...[...attributes].map(([name, change]): [string, Change] => [`r${name}`, change]),
  ['rnodiratime', [MOUNT_ATTR_NODIRATIME, true]],
  ['rdiratime', [MOUNT_ATTR_NODIRATIME, false]],
])

const propagations: ReadonlyMap<string, number> = new Map([
  ['private', MS_PRIVATE],
  ['rprivate', MS_PRIVATE | MS_REC],
  ['shared', MS_SHARED],
  ['rshared', MS_SHARED | MS_REC],
  ['slave', MS_SLAVE],
  ['rslave', MS_SLAVE | MS_REC],
  ['unbindable', MS_UNBINDABLE],
  ['runbindable', MS_UNBINDABLE | MS_REC],
])

// by option: the flag of fsconfig(2), and its opposite; the forms with an r are crun's, and cannot do more
const superblockFlags: ReadonlyMap<string, readonly [flag: string, opposite?: string]> = new Map([
  ['ro', ['ro', 'rw']],
  ['rw', ['rw', 'ro']],
  ['sync', ['sync', 'async']],
  ['async', ['async', 'sync']],
  ['dirsync', ['dirsync']],
  ['lazytime', ['lazytime', 'nolazytime']],
  ['nolazytime', ['nolazytime', 'lazytime']],
  ['mand', ['mand', 'nomand']],
  ['nomand', ['nomand', 'mand']],
  ['rsync', ['sync', 'async']],
  ['rasync', ['async', 'sync']],
  ['rdirsync', ['dirsync']],
  ['rmand', ['mand', 'nomand']],
  ['rnomand', ['nomand', 'mand']],
])

// no flag of the kernel's present mount calls; those of mount(2) that these were have no effect either
const withoutEffect: ReadonlySet<string> = new Set(['defaults', 'iversion', 'noiversion', 'loud', 'silent'])

const others = ['bind', 'rbind', 'remount', 'tmpcopyup', 'idmap', 'ridmap'] as const
const links = ['src-nofollow', 'dest-nofollow', 'copy-symlink'] as const

/** Every option that is more than data for a file system, sorted. */
export function knownMountOptions(): readonly string[] {
  const times = [...accessTimes.keys(), 'diratime', 'nodiratime']
  const all = [
    ...[
      ...attributes.keys(),
      ...recursiveAttributes.keys(),
      ...propagations.keys(),
      ...superblockFlags.keys(),
    ],
    ...[
      ...times,
      ...[...accessTimes.keys()].map((time) => `r${time}`),
      ...withoutEffect,
      ...others,
      ...links,
    ],
  ]
  return [...new Set(all)].sort()
}

/**
 * Sorts out the options of a mount. What they do is what mount(8) and mount(2) make of them; of options that contradict
 * each other the last one counts. An option may be several, parted by commas, as in fstab(5).
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: the mappings of an `idmap=` option are no mappings.
 */
export function parseMountOptions(options: readonly string[]): ParsedMountOptions {
  const own = { set: 0, clear: 0 }
  const below = { set: 0, clear: 0 }
  const propagation: number[] = []
  const superblock = new Set<string>()
  const data: (readonly [string, string?])[] = []
  const seen = new Set<string>()
  let time: AccessTime | undefined
  let timeBelow: AccessTime | undefined
  let noDirectoryTime = false
  let idmap: ParsedIdmap | undefined

  for (const option of options.flatMap(splitAtCommas)) {
    const [key, value] = keyAndValue(option)
    const recursive = recursiveAttributes.get(option)
    const spread = propagations.get(option)
    const flag = superblockFlags.get(option)
    const attribute = attributes.get(option)
    if (attribute !== undefined) change(own, attribute)
    if (flag !== undefined) {
      superblock.delete(flag[1] ?? '')
      superblock.add(flag[0])
    }
    if (attribute !== undefined || flag !== undefined || withoutEffect.has(option)) continue

    if (spread !== undefined) propagation.push(spread)
    else if (recursive !== undefined) change(below, recursive)
    else if (option === 'nodiratime' || option === 'diratime') noDirectoryTime = option === 'nodiratime'
    else if (accessTimes.has(option)) time = accessTimes.get(option)!(time)
    else if (option.startsWith('r') && accessTimes.has(option.slice(1))) {
      timeBelow = accessTimes.get(option.slice(1))!(timeBelow) ?? 'relatime'
    } else if (key === 'idmap' || key === 'ridmap') idmap = parseIdmap(key === 'ridmap', value)
    else if (
      (others as readonly string[]).includes(option) ||
      (links as readonly string[]).includes(option)
    ) {
      seen.add(option)
    } else data.push(value === undefined ? [key] : [key, value])
  }

  if (time !== undefined || noDirectoryTime) {
    own.set |= accessTimeAttributes[time ?? 'relatime'] | (noDirectoryTime ? MOUNT_ATTR_NODIRATIME : 0)
    own.clear |= ALL_ACCESS_TIMES | MOUNT_ATTR_NODIRATIME
  }
  if (timeBelow !== undefined) {
    below.set |= accessTimeAttributes[timeBelow]
    below.clear |= ALL_ACCESS_TIMES
  }
  return {
    bind: seen.has('rbind') ? 'rbind' : seen.has('bind') && 'bind',
    remount: seen.has('remount'),
    attributesSet: own.set,
    attributesClear: own.clear,
    recursiveSet: below.set,
    recursiveClear: below.clear,
    propagation,
    superblock: [...superblock],
    data,
    copyUp: seen.has('tmpcopyup'),
    idmap,
    sourceNoFollow: seen.has('src-nofollow'),
    destinationNoFollow: seen.has('dest-nofollow'),
    copySymlink: seen.has('copy-symlink'),
  }
}

function change(attributes: { set: number; clear: number }, [attribute, set]: Change): void {
  attributes.set = set ? attributes.set | attribute : attributes.set & ~attribute
  attributes.clear = set ? attributes.clear & ~attribute : attributes.clear | attribute
}

/** As the kernel parts the data of mount(2): at commas, but for those in quotes and after a backslash. */
function splitAtCommas(option: string): string[] {
  if (!option.includes(',')) return option === '' ? [] : [option]
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at < option.length; at++) {
    if (option[at] === '\\') at++
    else if (option[at] === '"') quoted = !quoted
    else if (option[at] === ',' && !quoted) {
      parts.push(option.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, option.slice(start)].filter((part) => part !== '')
}

function keyAndValue(option: string): readonly [key: string, value: string | undefined] {
  const at = option.indexOf('=')
  if (at < 0) return [option, undefined]
  const value = option.slice(at + 1)
  const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
  return [option.slice(0, at), quoted ? value.slice(1, -1) : value]
}
