import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { hasEnded } from '../host.js'
import { networkLostText, watchNetwork, type NetworkWatch } from '../rootless/network-watch.js'
import type { UserNetwork } from '../rootless/network-program.js'
import { runningProgram } from '../rootless/user-network.js'
import type { KeptRecord } from './kept-record.js'
import type { ContainerRecord } from './record.js'
import type { NetworkMode } from './network-option.js'

/** Whether a program connects containers to this network, which may end before they do. */
function isByProgram(mode: NetworkMode): mode is UserNetwork {
  return mode === 'pasta' || mode === 'slirp4netns'
}

/** Tells when a container has lost its network: that is noted then, on disk and in its log where it has one. */
export class NetworkLoss implements Disposable {
  readonly #context: Context
  readonly #record: KeptRecord
  #watch: NetworkWatch | undefined
  #lost: Promise<string | null> | undefined

  constructor(context: Context, record: KeptRecord) {
    this.#context = context
    this.#record = record
  }

  /** Watches from now on; see `Container.networkLost`. */
  lost(): Promise<string | null> {
    const { id, status, network } = this.#record.current
    if (network.failure !== null) return Promise.resolve(network.failure)
    if (status !== 'running' || !isByProgram(network.mode)) return Promise.resolve(null)
    this.#watch ??= watchNetwork(network.mode, join(this.#context.networkPrograms, id))
    return (this.#lost ??= this.#watch.lost.then((text) => this.#note(text)))
  }

  /** The container has ended, or nobody cares any more. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
  }

  #note(text: string | null): string | null {
    const { id, pid, startTicks } = this.#record.current
    // the end of the container is the program's, too
    if (text === null || pid === null || hasEnded(pid, startTicks)) return null
    this.#record.current = lose(this.#record.current, text)
    this.#record.save()
    const log = join(this.#context.records.folder(id), 'stderr.log')
    if (existsSync(log)) appendFileSync(log, `ctrjs: ${text}\n`)
    return text
  }
}

/** A container on disk, with what has become of its network while nobody watched. */
export function withNetworkFailure(context: Context, record: ContainerRecord): ContainerRecord {
  const { id, status, network, pid, startTicks } = record
  if (status !== 'running' || !isByProgram(network.mode) || network.failure !== null) return record
  if (runningProgram(join(context.networkPrograms, id)) !== undefined) return record
  if (pid === null || hasEnded(pid, startTicks)) return record // it is about to be noted as ended
  return lose(record, networkLostText(network.mode))
}

function lose(record: ContainerRecord, failure: string): ContainerRecord {
  return { ...record, network: { ...record.network, failure } }
}
