import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFolder, readFile, removeFile, stateError } from '../state/files.js'
import { isJsonObject, parseJson, type JsonObject } from './json.js'
import { parseCniNetwork, type CniNetwork } from './network-config.js'
import { readResult, type CniResult } from './result.js'

/** What a container was, or was about to be, attached with. */
export interface CachedAttachment {
  readonly network: CniNetwork
  readonly containerId: string
  readonly ifname: string
  readonly netns: string | undefined
  readonly args: Readonly<Record<string, string>>
  readonly capabilities: JsonObject
  /** Unset when plugins did not come to their end. */
  readonly result: CniResult | undefined
}

const kind = 'cniCacheV1'

/**
 * Attachments in files, in the form in which the library of CNI's own keeps them below `/var/lib/cni`, so that engines
 * built on that know ours, and we theirs. A file is there before the first plugin is run, without a result: what is
 * half made when a process dies is found by it.
 */
export class AttachmentCache {
  readonly #folder: string

  /** @param folder - `results` is made in it. */
  constructor(folder: string) {
    this.#folder = join(folder, 'results')
  }

  get(network: string, containerId: string, ifname: string): CachedAttachment | undefined {
    const found = this.#read(fileName(network, containerId, ifname))
    const same = found?.containerId === containerId && found.ifname === ifname
    return same && found.network.name === network ? found : undefined
  }

  /** Those of a network. A file that cannot be read is none. */
  list(network: string): CachedAttachment[] {
    const names = listFolder(this.#folder).filter((name) => name.startsWith(`${network}-`))
    return names
      .flatMap((name) => this.#read(name) ?? [])
      .filter((attachment) => attachment.network.name === network)
  }

  put({ network, containerId, ifname, netns, args, capabilities, result }: CachedAttachment): void {
    const path = join(this.#folder, fileName(network.name, containerId, ifname))
    const text = JSON.stringify({
      kind,
      containerId,
      config: Buffer.from(JSON.stringify(network)).toString('base64'),
      ifName: ifname,
      networkName: network.name,
      netns,
      cniArgs: Object.entries(args),
      capabilityArgs: capabilities,
      result,
    })
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      writeWhole(path, text)
    } catch (error) {
      throw stateError(`write ${path}`, error)
    }
  }

  remove(network: string, containerId: string, ifname: string): void {
    removeFile(join(this.#folder, fileName(network, containerId, ifname)))
  }

  #read(name: string): CachedAttachment | undefined {
    const value = parseJson(readFile(join(this.#folder, name)) ?? '')
    if (!isJsonObject(value) || value['kind'] !== kind) return undefined
    const { containerId, ifName, netns, config, cniArgs, capabilityArgs, result } = value
    if (typeof containerId !== 'string' || typeof ifName !== 'string') return undefined
    try {
      const network = parseCniNetwork(Buffer.from(String(config), 'base64').toString('utf8'), name)
      const read = result === undefined || result === null ? '' : readResult(result, network.cniVersion)
      return {
        network,
        containerId,
        ifname: ifName,
        netns: typeof netns === 'string' ? netns : undefined,
        args: Object.fromEntries(Array.isArray(cniArgs) ? (cniArgs as [string, string][]) : []),
        capabilities: isJsonObject(capabilityArgs) ? capabilityArgs : {},
        result: typeof read === 'string' ? undefined : read,
      }
    } catch {
      return undefined // of a version that is not known here, or cut off
    }
  }
}

function fileName(network: string, containerId: string, ifname: string): string {
  return `${network}-${containerId}-${ifname}`
}

/** What it describes outlives a reboot: addresses that plugins keep in files. */
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}
