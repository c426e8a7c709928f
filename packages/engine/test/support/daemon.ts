import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { bundle } from '@ctr/testing'

/** The daemon as a program, which SIGTERM closes. It has no net below it: an error that nobody takes ends it. */
const program = `
import { Engine } from '@ctr/engine'
const [root, state, host] = process.argv.slice(2)
const onError = (error) => console.error('reported: ' + error)
const engine = await Engine.start({ root, state, hosts: [host], onError })
process.on('SIGTERM', () => void engine.close().then(() => process.exit(0)))
console.log('listening')
`

/** Where a daemon lives. */
export interface DaemonPlace {
  readonly root: string
  readonly state: string
  /** Path of its socket. */
  readonly socket: string
  /** Most descriptors that it may have open. Default: this process's limit. */
  readonly mostFiles?: number
}

/** A daemon in a process of its own. */
export class Daemon implements Disposable {
  readonly #program = bundle(program)
  #process: ChildProcess | undefined
  /** What it has reported, of all its runs. */
  reports = ''

  get pid(): number {
    return this.#process!.pid!
  }

  /** Bytes that it has in memory. */
  get memory(): number {
    const kB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1]
    return Number(kB) * 1024
  }

  /** Whether it has not ended. */
  get isUp(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null
  }

  async start({ root, state, socket, mostFiles }: DaemonPlace): Promise<void> {
    const args = [process.execPath, this.#program.path, root, state, `unix://${socket}`]
    const limit = mostFiles === undefined ? [] : [`--nofile=${mostFiles}:${mostFiles}`]
    const child = spawn('prlimit', [...limit, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#process = child
    child.stderr.on('data', (text: Buffer) => (this.reports += text.toString()))
    const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
    if (String(said) !== 'listening\n') throw new Error(`the daemon has ended: ${this.reports}`)
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  /** Ends it by a signal. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isUp) return
    const ended = once(this.#process!, 'exit')
    this.#process!.kill(signal)
    await ended
  }

  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]()
  }
}
