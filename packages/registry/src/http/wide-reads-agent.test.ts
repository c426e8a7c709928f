import { createHash, randomBytes } from 'node:crypto'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { startHttp } from '../../test/support/http-server.js'
import { bodyFromSocket, WideReadsAgent } from './wide-reads-agent.js'

const bytes = randomBytes(5_000_003)
const hashOf = (chunks: readonly Uint8Array[]): string =>
  createHash('sha256').update(Buffer.concat(chunks)).digest('hex')

describe('WideReadsAgent', () => {
  it('brings every byte, also to a reader who keeps it waiting, over one connection', async () => {
    const ports = new Set<number | undefined>()
    await using server = await startHttp((request, response) => {
      ports.add(request.socket.remotePort)
      response.end(bytes)
    })
    using agent = disposable(new WideReadsAgent({ keepAlive: true }))
    for (const pauseMs of [0, 20, 0]) {
      const chunks: Buffer[] = []
      const answer = await answerOf(server, agent.it)
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        if (pauseMs > 0) await sleep(pauseMs)
      }
      expect(hashOf(chunks)).toBe(hashOf([bytes]))
    }
    expect(ports.size).toBe(1)
  })

  it('brings every byte past the parser, also to a reader who keeps it waiting', async () => {
    await using server = await startHttp((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.end(bytes)
    })
    using agent = disposable(new WideReadsAgent({ keepAlive: true }))
    for (const pauseMs of [0, 20]) {
      const pieces: Buffer[] = []
      for await (const piece of bodyFromSocket(
        await answerOf(server, agent.it),
        bytes.length,
        () => undefined,
      )!) {
        if (pauseMs > 0) await sleep(pauseMs)
        pieces.push(Buffer.from(piece))
      }
      expect(hashOf(pieces)).toBe(hashOf([bytes]))
      expect(pieces.length).toBeLessThan(21)
    }
  })

  it('gives what came before the connection broke, and then the error', async () => {
    await using server = await startHttp((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 2_000_000), () => setTimeout(() => response.destroy(), 50))
    })
    using agent = disposable(new WideReadsAgent({ keepAlive: true }))
    const pieces: Buffer[] = []
    const body = bodyFromSocket(await answerOf(server, agent.it), bytes.length, () => undefined)!
    const reading = (async () => {
      for await (const piece of body) pieces.push(Buffer.from(piece))
    })()
    await expect(reading).rejects.toThrow(/aborted|broke|hang up|ECONNRESET/)
    expect(hashOf(pieces)).toBe(hashOf([bytes.subarray(0, 2_000_000)]))
  })
})

async function answerOf(
  { address }: { readonly address: string },
  agent: WideReadsAgent,
): Promise<IncomingMessage> {
  return await new Promise<IncomingMessage>((resolve, reject) => {
    get(`http://${address}/`, { agent }, resolve).on('error', reject)
  })
}

function disposable(it: WideReadsAgent): { readonly it: WideReadsAgent } & Disposable {
  return { it, [Symbol.dispose]: () => it.destroy() }
}
