import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { ManagedContainer } from '../containers/managed-container.js'
import type { Listener } from './broadcast.js'
import { DetachKeys } from './detach-keys.js'
import { frame, type OutputChunk, type StreamName } from './frame.js'

/** A client's connection, once it is ours. */
export interface ClientStreams {
  readonly readable: Readable
  readonly writable: Writable
}

/** A client that is given output, as frames or as it is. */
export function clientListener(writable: Writable, streams: ReadonlySet<StreamName>, raw: boolean): Listener {
  return {
    write: (chunk: OutputChunk) => {
      if (!streams.has(chunk.stream) || !writable.writable) return true
      return writable.write(raw ? chunk.bytes : frame(chunk))
    },
    ready: () =>
      new Promise((resolve) => {
        if (!writable.writable || !writable.writableNeedDrain) {
          resolve()
          return
        }
        const done = (): void => {
          writable.off('drain', done).off('close', done)
          resolve()
        }
        writable.on('drain', done).on('close', done)
      }),
    end: () => writable.end(),
  }
}

/** Connects a client with a container until one of them ends. */
export function attach(
  container: ManagedContainer,
  { readable, writable }: ClientStreams,
  {
    raw,
    streams,
    stdin,
    detachKeys,
    onDetach,
  }: {
    /** Give output as it is, not as frames. */
    readonly raw: boolean
    readonly streams: ReadonlySet<StreamName>
    readonly stdin: boolean
    /** Keys of the client that let it go. */
    readonly detachKeys: Buffer
    readonly onDetach: () => void
  },
): void {
  const { Tty, OpenStdin, StdinOnce } = container.document.body
  const listening = container.output.add(clientListener(writable, streams, raw))
  const gone = new AbortController()
  const leave = (): void => {
    listening[Symbol.dispose]()
    gone.abort()
  }
  writable.on('error', leave).on('close', leave)
  readable.on('error', leave)
  if (!stdin || OpenStdin !== true) {
    readable.resume() // whatever it sends: its end is to be seen
    return
  }
  const once = StdinOnce === true && Tty !== true
  // as Docker: input of which the program is to see the end is passed on as it is
  if (once) {
    feed(container, readable, { once: true, signal: gone.signal }).catch(() => undefined)
    return
  }
  const input = readable.pipe(new DetachKeys(detachKeys))
  input.on('detach', () => {
    leave()
    onDetach()
    writable.end()
  })
  feed(container, input, { once: false, signal: gone.signal }).catch(() => undefined)
}

/** Gives a client's input to a container, as soon as that runs. */
async function feed(
  container: ManagedContainer,
  readable: Readable,
  { once, signal }: { readonly once: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (container.stdin === undefined) await container.waiters.nextStart(signal)
  const { stdin } = container
  if (stdin === undefined) return
  readable.pipe(stdin, { end: false })
  await finished(readable, { writable: false })
  if (once) container.closeStdin()
}
