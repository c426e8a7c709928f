import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { listFolder, stateError } from '../state/files.js'
import { isJsonObject, parseJson, type JsonObject } from './json.js'
import { CNI_VERSIONS, newestKnown } from './versions.js'

/** More than any configuration has. */
const largestFile = 1024 ** 2

/** A plugin of a network, as its configuration has it. */
export interface CniPluginConfig extends JsonObject {
  /** Name of its executable. */
  readonly type: string
}

/** A network of CNI: a name, and the plugins that are run one after the other for each container. */
export interface CniNetwork {
  readonly name: string
  /** The newest version of the specification that both the configuration and this package know. */
  readonly cniVersion: string
  /** `CHECK` is not to be run. */
  readonly disableCheck: boolean
  /** `GC` is not to be run. */
  readonly disableGC: boolean
  readonly plugins: readonly CniPluginConfig[]
}

/** Networks of a folder, and why other files of it are not to be used. */
export interface CniFolder {
  readonly networks: readonly CniNetwork[]
  readonly unusable: readonly NetbridgeError[]
}

/**
 * Reads a configuration of CNI: a list of plugins (`.conflist`) or, as it was before version 1.0.0, a single one.
 *
 * @param source - Where it is from, for messages.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_CNI_CONFIG`: it is no JSON, or lacks or has something that it must not.
 *
 * @example
 * const network = parseCniNetwork('{"cniVersion":"1.0.0","name":"lo","plugins":[{"type":"loopback"}]}')
 */
export function parseCniNetwork(text: string, source = 'the text'): CniNetwork {
  return networkOf(parseJson(text), source, () => [])
}

/**
 * Reads all configurations of a folder (`/etc/cni/net.d`), in order of their files' names. Of several with one name the
 * first counts. Plugins of a network may be files of their own too: `FOLDER/NETWORK/*.conf`.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STATE` when the folder cannot be read; one that is not there is empty.
 */
export function readCniFolder(folder: string): CniFolder {
  const networks = new Map<string, CniNetwork>()
  const unusable: NetbridgeError[] = []
  for (const file of filesOf(folder, '.conflist', '.conf', '.json')) {
    try {
      const network = networkOf(readJson(file), file, (name) =>
        filesOf(join(dirname(file), name), '.conf').map(readJson),
      )
      if (!networks.has(network.name)) networks.set(network.name, network)
    } catch (error) {
      if (!(error instanceof NetbridgeError)) throw error
      unusable.push(error)
    }
  }
  return { networks: [...networks.values()], unusable }
}

/** True for names of networks and ids of containers: they become names of files. */
export function isCniName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)
}

function networkOf(value: unknown, source: string, more: (name: string) => unknown[]): CniNetwork {
  const fail = (reason: string): never => {
    throw new NetbridgeError('ERR_NETBRIDGE_CNI_CONFIG', `cannot use ${source} as a CNI network: ${reason}`)
  }
  if (!isJsonObject(value)) return fail('it is no JSON object')
  const { name, cniVersion, cniVersions = [], plugins: inlined, loadOnlyInlinedPlugins } = value
  if (!isCniName(name)) return fail('its name must be letters, digits, "_", "." and "-"')
  if (!Array.isArray(cniVersions)) return fail('its cniVersions is no list')
  const version = newestKnown([cniVersion, ...(cniVersions as unknown[])])
  if (version === undefined) {
    return fail(`its cniVersion must be one of ${CNI_VERSIONS.join(', ')}, not ${JSON.stringify(cniVersion)}`)
  }
  if (inlined !== undefined && !Array.isArray(inlined)) return fail('its plugins is no list')
  const isList = inlined !== undefined || value['type'] === undefined
  const apart = isList && !isTrue(loadOnlyInlinedPlugins) ? more(name) : []
  const plugins = isList ? [...((inlined ?? []) as unknown[]), ...apart] : [value]
  if (plugins.length === 0) return fail('it has no plugins')
  if (!plugins.every(isPlugin)) return fail('a plugin of it has no type that is the name of an executable')
  return {
    name,
    cniVersion: version,
    disableCheck: isTrue(value['disableCheck']),
    disableGC: isTrue(value['disableGC']),
    plugins,
  }
}

/** Before version 1.0.0 these were texts. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

function isPlugin(value: unknown): value is CniPluginConfig {
  const type = isJsonObject(value) ? value['type'] : undefined
  return typeof type === 'string' && /^[^/\0]{1,255}$/.test(type) && type !== '.' && type !== '..'
}

function filesOf(folder: string, ...extensions: readonly string[]): string[] {
  const names = listFolder(folder).filter((name) => extensions.includes(extname(name)))
  return names.sort().map((name) => join(folder, basename(name)))
}

function readJson(file: string): unknown {
  try {
    if (statSync(file).size > largestFile) throw new Error(`it has more than ${largestFile} bytes`)
    return parseJson(readFileSync(file, 'utf8'))
  } catch (error) {
    throw stateError(`read ${file}`, error)
  }
}
