import { openSync, readFileSync } from 'node:fs'
import { openUserNamespace, type IdMaps } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigIdMapping, ConfigMount } from '../config/config.js'
import type { MountIdMapping, ParsedIdmap } from '../config/mount-idmap.js'

/** The idmapped mounts of a container; user namespaces that are only there for their maps are made once each. */
export class IdmapNamespaces {
  readonly #config: Config
  readonly #made = new Map<string, number>()
  readonly #own: (open: () => number | Promise<number>) => Promise<number>

  /** @param own - Opens a descriptor, to be closed when the container has been made. */
  constructor(config: Config, own: (open: () => number | Promise<number>) => Promise<number>) {
    this.#config = config
    this.#own = own
  }

  /**
   * Opens the user namespace whose map a mount takes on.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: there are no mappings, or they cannot be known.
   */
  async open(mount: ConfigMount, idmap: ParsedIdmap): Promise<number> {
    const maps = this.#mapsOf(mount, idmap)
    const key = maps === undefined ? '' : JSON.stringify(maps)
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const path = this.#path
    const opened = await this.#own(() =>
      maps === undefined ? openSync(path!, 'r') : openUserNamespace(maps),
    )
    this.#made.set(key, opened)
    return opened
  }

  /** Path of the user namespace that the container joins. */
  get #path(): string | undefined {
    const path = this.#config.linux?.namespaces?.find(({ type }) => type === 'user')?.path
    return path === '' ? undefined : path
  }

  /** undefined means those of the namespace that is joined. */
  #mapsOf(mount: ConfigMount, idmap: ParsedIdmap): IdMaps | undefined {
    if (idmap.uidMappings !== undefined && idmap.gidMappings !== undefined) {
      return {
        uid: this.#resolve(idmap.uidMappings, 'uid', mount),
        gid: this.#resolve(idmap.gidMappings, 'gid', mount),
      }
    }
    const { linux } = this.#config
    const uid = mount.uidMappings ?? linux?.uidMappings
    const gid = mount.gidMappings ?? linux?.gidMappings
    if (uid !== undefined && gid !== undefined) return { uid: uid.map(ranges), gid: gid.map(ranges) }
    if (this.#path !== undefined) return undefined
    throw invalid(mount, 'it has no mappings, and the container has no user namespace to take them from')
  }

  #resolve(mappings: readonly MountIdMapping[], kind: 'uid' | 'gid', mount: ConfigMount): IdMaps['uid'] {
    if (!mappings.some(({ relative }) => relative)) return mappings.map(ranges)
    const container = this.#containerMap(kind, mount)
    return mappings.flatMap((one) => (one.relative ? throughMap(one, container, mount) : [ranges(one)]))
  }

  #containerMap(kind: 'uid' | 'gid', mount: ConfigMount): readonly ConfigIdMapping[] {
    const configured = this.#config.linux?.[`${kind}Mappings`]
    if (configured !== undefined) return configured
    const pid = /^\/proc\/(\d+|self)\/ns\/user$/.exec(this.#path ?? '')?.[1]
    if (pid === undefined) {
      throw invalid(mount, 'ids relative to a user namespace that is joined need one by /proc/PID/ns/user')
    }
    return readFileSync(`/proc/${pid}/${kind}_map`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([containerID, hostID, size]) => ({ containerID: containerID!, hostID: hostID!, size: size! }))
  }
}

function ranges({ containerID, hostID, size }: ConfigIdMapping): IdMaps['uid'][number] {
  return { inside: containerID, outside: hostID, size }
}

/** Takes the `hostID` of a mapping for an id in the container's user namespace: the host's is behind its map. */
export function throughMap(
  mapping: ConfigIdMapping,
  container: readonly ConfigIdMapping[],
  mount: Pick<ConfigMount, 'destination'>,
): IdMaps['uid'] {
  const mapped: IdMaps['uid'][number][] = []
  for (let done = 0; done < mapping.size;) {
    const id = mapping.hostID + done
    const range = container.find((one) => id >= one.containerID && id < one.containerID + one.size)
    if (range === undefined) {
      throw invalid(mount, `id ${id} is not mapped in the container's user namespace`)
    }
    const offset = id - range.containerID
    const size = Math.min(mapping.size - done, range.size - offset)
    mapped.push({ inside: mapping.containerID + done, outside: range.hostID + offset, size })
    done += size
  }
  return mapped
}

function invalid({ destination }: Pick<ConfigMount, 'destination'>, why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_CONFIG', `cannot map the ids of the mount at ${destination}: ${why}`)
}
