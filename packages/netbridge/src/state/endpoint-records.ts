import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { EndpointInfo } from '../endpoint.js'
import {
  createFile,
  listFolder,
  makeFolder,
  readFile,
  removeFile,
  removeUnfinished,
  replaceFile,
} from './files.js'

const SUFFIX = '.json'
/** More than a clock tick, which is 10 ms at most. */
const settledAfterNs = 50_000_000n

/** The endpoints of a network, one file each, written before anything is made in the kernel. */
export class EndpointRecords {
  /** Where they are; made with the first. */
  readonly folder: string
  #unsettled = 0

  constructor(folder: string) {
    this.folder = folder
  }

  /** @returns False when an endpoint of that id exists. */
  add(info: EndpointInfo): boolean {
    makeFolder(this.folder)
    return createFile(this.#path(info.id), JSON.stringify(info))
  }

  /** Puts other words into the place of a record that is there. Nobody else may do so at the same time. */
  replace(info: EndpointInfo): void {
    replaceFile(this.#path(info.id), JSON.stringify(info))
  }

  /** The endpoint of that id; undefined when there is none. */
  get(id: string): EndpointInfo | undefined {
    const text = readFile(this.#path(id))
    return text === undefined ? undefined : parse(text)
  }

  remove(id: string): void {
    removeFile(this.#path(id))
  }

  /** Ids of all endpoints, readable or not. */
  ids(): string[] {
    return listFolder(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
  }

  /** Removes files that were never finished. */
  removeUnfinished(): void {
    removeUnfinished(this.folder)
  }

  /** All endpoints, in order of their ids. */
  list(): EndpointInfo[] {
    return this.ids()
      .sort()
      .flatMap((id) => this.get(id) ?? [])
  }

  /**
   * Differs after every change, by whomever: the folder's time of change, which the kernel counts in clock ticks. One
   * of the last moments may yet stand for another change, and so is never given twice.
   */
  stamp(): string {
    const { mtimeNs } = statSync(this.folder, { bigint: true, throwIfNoEntry: false }) ?? { mtimeNs: 0n }
    const settled = BigInt(Date.now()) * 1_000_000n - mtimeNs > settledAfterNs
    return settled ? String(mtimeNs) : `${mtimeNs} ${this.#unsettled++}`
  }

  #path(id: string): string {
    return join(this.folder, `${id}${SUFFIX}`)
  }
}

/** A file that was cut off by a power failure says nothing; cleaning up goes by its name then. */
function parse(text: string): EndpointInfo | undefined {
  try {
    const info = JSON.parse(text) as Omit<EndpointInfo, 'names' | 'ipv6'> & Partial<EndpointInfo>
    return { ...info, names: info.names ?? [], ipv6: info.ipv6 ?? null } // written before there were any
  } catch {
    return undefined
  }
}
