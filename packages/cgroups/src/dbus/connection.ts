import { connect, type Socket } from 'node:net'
import { CgroupError } from '../errors.js'
import { Incoming } from './incoming.js'
import { decodeMessage, encodeCall, lengthOf, type Message, type MethodCall } from './message.js'
import type { Value } from './value.js'

/** Settings of {@link Connection.open}. */
export interface ConnectionOptions {
  /** `bus`: others are behind it, by their names; `peer`: whom we talk to is at the other end. */
  readonly kind: 'bus' | 'peer'
  /** How long a call may wait for its answer, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** The answer to a call. */
export interface Reply {
  /** Unique name of who answered; undefined without a bus. */
  readonly sender: string | undefined
  readonly values: readonly Value[]
}

interface Pending {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Lines of the greeting are short: the longest is a list of mechanisms. */
const LONGEST_LINE = 1024
const MOST_LINES = 8

/**
 * A connection to a bus, or to a process that speaks as one. Everything that comes over it is judged before it is used
 * or kept: whatever is wrong with it ends the connection, and with it the calls that wait.
 *
 * @see {@link https://dbus.freedesktop.org/doc/dbus-specification.html}
 */
export class Connection implements Disposable {
  /** Is told of every signal that comes. */
  onSignal: (message: Message) => void = () => undefined
  /** Rejects when the connection ends, with the reason. */
  readonly lost: Promise<never>
  readonly #tellLost: (reason: Error) => void
  readonly #socket: Socket
  readonly #path: string
  readonly #options: ConnectionOptions
  readonly #incoming = new Incoming()
  readonly #pending = new Map<number, Pending>()
  /** Calls for when the other side has greeted: systemd's own socket loses sight of what comes with the greeting. */
  #unsent: Buffer[] = []
  #greeting = 0
  #serial = 0
  #failure: Error | undefined

  /**
   * Connects and greets, as the user of this process (SASL's EXTERNAL: the kernel says who we are, also from within a
   * user namespace). Nothing is waited for: calls may be made at once.
   *
   * @param path - Of a Unix socket; an abstract one begins with a NUL.
   */
  constructor(path: string, options: ConnectionOptions) {
    this.#path = path
    this.#options = options
    let tell: (reason: Error) => void
    this.lost = new Promise((_, reject) => {
      tell = reject
    })
    this.lost.catch(() => undefined) // not everybody waits
    this.#tellLost = tell!
    this.#socket = connect({ path })
    this.#socket.on('data', (chunk) => {
      this.#receive(chunk)
    })
    this.#socket.on('error', (error) => {
      this.#fail(this.#lost(error.message, error))
    })
    this.#socket.on('close', () => {
      this.#fail(this.#lost('it was closed'))
    })
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    if (options.signal?.aborted === true) this.#abort()
    this.#socket.write('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n')
    if (options.kind === 'bus') {
      const bus = 'org.freedesktop.DBus'
      this.call({ destination: bus, path: '/org/freedesktop/DBus', interface: bus, member: 'Hello' }).catch(
        (error: unknown) => {
          this.#fail(error as Error)
        },
      )
    }
  }

  /**
   * Calls a method.
   *
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_BUS`: the connection is lost, or was refused.
   *   - `ERR_CGROUP_TIMEOUT`: no answer.
   *   - `ERR_CGROUP_PARSE`: something came that is no message.
   *   - `ERR_CGROUP_SYSTEMD`: the answer is an error; `cause` has its name.
   */
  call(call: MethodCall): Promise<Reply> {
    const { destination, member } = call
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const serial = ++this.#serial
      const bytes = encodeCall(
        this.#options.kind === 'peer' ? { ...call, destination: undefined } : call,
        serial,
      )
      const { timeoutMs } = this.#options
      const timer = setTimeout(() => {
        const what = `cannot call ${member} of ${destination ?? this.#path}: no answer within ${timeoutMs} ms`
        this.#fail(new CgroupError('ERR_CGROUP_TIMEOUT', what))
      }, timeoutMs)
      this.#pending.set(serial, { resolve, reject, timer })
      if (this.#greeting === -1) this.#socket.write(bytes)
      else this.#unsent.push(bytes)
    })
  }

  /** Closes it; calls that wait are rejected. Idempotent. */
  close(): void {
    this.#fail(this.#lost('it was closed'))
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #abort = (): void => {
    this.#fail(abortError(this.#options.signal))
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      this.#incoming.push(chunk)
      if (this.#greeting !== -1 && !this.#greeted()) return
      for (;;) {
        const length = lengthOf(this.#incoming.bytes)
        if (length === undefined || this.#incoming.bytes.length < length) return
        this.#dispatch(decodeMessage(this.#incoming.take(length)))
      }
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** True once the other side has taken us for who we are. */
  #greeted(): boolean {
    for (;;) {
      const { bytes } = this.#incoming
      const end = bytes.indexOf('\r\n')
      if (end < 0 && bytes.length <= LONGEST_LINE) return false
      if (end < 0 || end > LONGEST_LINE || ++this.#greeting > MOST_LINES)
        throw this.#lost('it does not answer as a bus does')
      const line = this.#incoming.take(end + 2).toString('latin1')
      if (line.startsWith('OK ')) {
        this.#greeting = -1
        for (const bytes of this.#unsent.splice(0)) this.#socket.write(bytes)
        return true
      }
      if (!line.startsWith('DATA')) throw this.#lost(`it refuses this user: ${JSON.stringify(line.trim())}`)
    }
  }

  #dispatch(message: Message): void {
    if (message.kind === 'signal') {
      this.onSignal(message)
      return
    }
    const { replySerial = 0 } = message
    const pending = this.#pending.get(replySerial)
    if (pending === undefined || (message.kind !== 'return' && message.kind !== 'error')) return
    this.#pending.delete(replySerial)
    clearTimeout(pending.timer)
    try {
      const values = message.body()
      if (message.kind === 'return') pending.resolve({ sender: message.sender, values })
      else pending.reject(replyError(message.errorName ?? 'unknown', values[0]))
    } catch (error) {
      pending.reject(error as Error)
      throw error
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#socket.destroy()
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(error)
    }
    this.#pending.clear()
    this.#tellLost(error)
  }

  #lost(why: string, cause?: unknown): CgroupError {
    const path = this.#path.replace('\0', '@')
    return new CgroupError('ERR_CGROUP_BUS', `cannot talk to D-Bus at ${path}: ${why}`, { path, cause })
  }
}

/** An error that was answered: `cause` has its name, as `org.freedesktop.systemd1.NoSuchUnit`. */
function replyError(name: string, text: Value | undefined): CgroupError {
  const why = typeof text === 'string' ? text.slice(0, 500) : 'it does not say why'
  const cause = new Error(why)
  cause.name = name
  return new CgroupError('ERR_CGROUP_SYSTEMD', `${name}: ${why}`, { cause })
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
