import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo, Server, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect } from '@jest/globals'
import { AF_UNIX, bind, closeFd, MSG_DONTWAIT, recvFds, SOCK_DGRAM, socket, unixAddress } from '@ctr/linux'
import type { LogDriver } from '../../src/logs/driver.js'
import { drivers } from '../../src/logs/drivers.js'
import type { LogBatch, LogSink } from '../../src/logs/entry.js'
import { checkLogConfig } from '../../src/logs/log-config.js'
import type { LogSource } from '../../src/logs/source.js'

/** When everything was printed. */
export const time = '2026-01-02T03:04:05.123456789Z'

/** What a container has printed. */
export const batch = (text: string, more: Partial<LogBatch> = {}): LogBatch => ({
  stream: 'stdout',
  time,
  text,
  ...more,
})

/** Path of a certificate or a key. */
export const tls = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))

/** Somewhere on this machine. */
export const here = { port: 0, host: '127.0.0.1' }

/** What is undone after each test. */
export const undo: (() => void)[] = []
/** What drivers have reported; a test takes away what it expects. */
export const errors: unknown[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
  expect(errors.splice(0)).toEqual([])
})

/** The sink of a container's log. */
export function open(name: string, config: Record<string, string>, driver?: LogDriver): LogSink {
  checkLogConfig({ Type: name, Config: config })
  const place = { folder: '/nonexistent', onError: (error: unknown) => errors.push(error) }
  const { sink } = (driver ?? drivers[name]!).open(sourceWith(config), place)
  undo.push(() => void sink.end())
  return sink
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Somebody who collects what comes over a stream. */
export async function collect(
  server: Server,
  where: string | { readonly port: number; readonly host: string },
  onData: (socket: Socket, chunk: Buffer) => void = () => undefined,
): Promise<{ readonly port: number; readonly text: () => string; readonly bytes: () => Buffer }> {
  const chunks: Buffer[] = []
  server.on('setSecureContext' in server ? 'secureConnection' : 'connection', (socket: Socket) => {
    undo.push(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      onData(socket, chunk)
    })
  })
  server.listen(where)
  await once(server, 'listening')
  undo.push(() => server.close())
  const address = server.address() as AddressInfo | string
  const bytes = (): Buffer => Buffer.concat(chunks)
  return { port: typeof address === 'string' ? 0 : address.port, bytes, text: () => bytes().toString() }
}

/** The same over UDP. */
export async function collectUdp(): Promise<{ readonly port: number; readonly messages: Buffer[] }> {
  const server = createSocket('udp4')
  const messages: Buffer[] = []
  server.on('message', (message) => messages.push(message))
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  undo.push(() => server.close())
  return { port: server.address().port, messages }
}

/**
 * A unix socket of datagrams, as the journal and syslog have it.
 *
 * @returns Gives the next one, or what is in the file that it has, once it is there.
 */
export function collectUnix(path: string): () => Promise<string> {
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0)
  bind(fd, unixAddress(path))
  undo.push(() => closeFd(fd))
  const buffer = Buffer.alloc(200_000)
  return async () => {
    let length = 0
    let fds: number[] = []
    await until(() => {
      try {
        ;({ length, fds } = recvFds(fd, buffer, MSG_DONTWAIT))
        return true
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 'EAGAIN') return false
        throw error
      }
    })
    if (fds[0] === undefined) return buffer.toString('utf8', 0, length)
    const text = readFileSync(`/proc/self/fd/${fds[0]}`, 'utf8')
    closeFd(fds[0])
    return text
  }
}

function sourceWith(config: Record<string, string>): LogSource {
  return {
    id: 'a'.repeat(64),
    name: 'web',
    imageId: `sha256:${'b'.repeat(64)}`,
    imageName: 'bb:1',
    command: ['sh', '-c', 'true'],
    created: '2026-01-01T00:00:00Z',
    env: ['LEVEL=high'],
    labels: { 'com.role': 'front' },
    config,
  }
}
