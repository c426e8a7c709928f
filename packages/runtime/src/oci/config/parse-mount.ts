import {
  type Checker,
  integer,
  list,
  name,
  object,
  optional,
  optionalText,
  text,
  uint32,
  wrong,
} from './check.js'
import type { ConfigIdMapping, ConfigMount } from './config.js'
import { invalidConfig, shown } from './invalid-config.js'
import { parseMountOptions } from './mount-options.js'

/** More ranges no user namespace can have (user_namespaces(7)). */
const MOST_MAPPINGS = 340

/** The longest path that anybody can name, with its end (limits.h). */
const PATH_MAX = 4096

const ranges = list(object({ containerID: uint32, hostID: uint32, size: integer(1, 0xffff_ffff) }))

/** Ranges of ids, which do not overlap on either side. An empty list means none. */
export const idMappings: Checker<readonly ConfigIdMapping[] | undefined> = (value, path, warn) => {
  const mappings = ranges(value, path, warn)
  if (mappings.length > MOST_MAPPINGS) throw wrong(path, `at most ${MOST_MAPPINGS} ranges`, mappings)
  for (const side of ['containerID', 'hostID'] as const) {
    const sorted = [...mappings].sort((a, b) => a[side] - b[side])
    for (const [index, mapping] of sorted.entries()) {
      const end = mapping[side] + mapping.size
      if (end > 2 ** 32)
        throw invalidConfig(`${path}: ${side} ${mapping[side]} and size ${mapping.size} exceed 32 bits`)
      if (end > (sorted[index + 1]?.[side] ?? Infinity)) {
        throw invalidConfig(
          `${path}: the ranges of ${side} ${mapping[side]} and ${sorted[index + 1]![side]} overlap`,
        )
      }
    }
  }
  return mappings.length === 0 ? undefined : mappings
}

const fields = object({
  destination: name,
  type: optionalText(text),
  source: optionalText(text),
  options: optional(list(text)),
  uidMappings: optional(idMappings),
  gidMappings: optional(idMappings),
})

/** One of `mounts`. */
export const mount: Checker<ConfigMount> = (value, path, warn) => {
  const checked = fields(value, path, warn)
  const { destination, type, source, uidMappings, gidMappings } = checked
  if (Buffer.byteLength(destination) >= PATH_MAX) {
    throw wrong(`${path}.destination`, `a path of less than ${PATH_MAX} bytes`, destination)
  }
  if (!destination.startsWith('/')) {
    warn(`${path}.destination: taking relative path ${shown(destination)} as relative to /`)
  }
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    const [set, unset] = uidMappings === undefined ? ['gid', 'uid'] : ['uid', 'gid']
    throw wrong(`${path}.${unset}Mappings`, `ids, as ${path}.${set}Mappings are`, undefined)
  }
  const { bind, data, remount, copySymlink, sourceNoFollow, destinationNoFollow } = parseMountOptions(
    checked.options ?? [],
  )
  if (bind === false) {
    if (type === undefined && !remount) throw wrong(`${path}.type`, 'a file system', undefined)
    return checked
  }
  if (source === undefined && !remount) throw wrong(`${path}.source`, 'the path to bind', undefined)
  if (data.length > 0) {
    // there are configs with them: mount(2) has always left them out
    warn(`${path}.options: a bind mount has no options of a file system: leaving out ${shown(data[0]![0])}`)
  }
  if (copySymlink && (sourceNoFollow || destinationNoFollow)) {
    throw invalidConfig(`${path}.options: copy-symlink excludes src-nofollow and dest-nofollow`)
  }
  return checked
}
