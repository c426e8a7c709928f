import { createHash, randomBytes } from 'node:crypto'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { startHttp } from '../../test/support/http-server.js'
import { WideReadsAgent } from './wide-reads-agent.js'

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
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        get(`http://${server.address}/`, { agent: agent.it }, resolve).on('error', reject)
      })
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        if (pauseMs > 0) await sleep(pauseMs)
      }
      expect(hashOf(chunks)).toBe(hashOf([bytes]))
    }
    expect(ports.size).toBe(1)
  })
})

function disposable(it: WideReadsAgent): { readonly it: WideReadsAgent } & Disposable {
  return { it, [Symbol.dispose]: () => it.destroy() }
}
