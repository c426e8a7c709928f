import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { setUpPull } from './pull-suite.js'

leakCheck()

const size = 8_000_000

describeOn(['root', 'overlay'], 'ctrjs pull of one image by two processes at once', () => {
  const suite = setUpPull(() => [[{ type: 'file', path: 'data', content: randomBytes(size) }]])
  let gate: Gate
  beforeAll(async () => {
    gate = await Gate.before(suite.registry)
  })
  afterAll(async () => {
    await gate.close()
  })

  /** Some of the layer has come, and is in the store. */
  async function untilSomeIsThere(): Promise<void> {
    const partial = suite.images('partial')
    const isThere = (name: string): boolean =>
      name.includes('~') && (statSync(join(partial, name), { throwIfNoEntry: false })?.size ?? 0) > 1e6
    while (!existsSync(partial) || !readdirSync(partial).some(isThere)) await sleep(10)
  }

  async function expectWhole(): Promise<void> {
    expect(await suite.countWhole()).toBe(1)
    await suite.removeWhole(gate.image)
  }

  it('fetches each blob once', async () => {
    gate.shut()
    const first = ended(suite.ctrjs.start('pull', '-q', gate.image))
    await untilSomeIsThere()
    const asked = gate.manifests
    const second = ended(suite.ctrjs.start('pull', '-q', gate.image))
    while (gate.manifests === asked) await sleep(10)
    gate.open()
    for (const end of await Promise.all([first, second])) expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(gate.ranges).toEqual([undefined])
    await expectWhole()
  }, 120_000)

  it('goes on where the one that is killed has stopped', async () => {
    gate.shut()
    const first = suite.ctrjs.start('pull', '-q', gate.image)
    await untilSomeIsThere()
    const asked = gate.manifests
    const second = ended(suite.ctrjs.start('pull', '-q', gate.image))
    while (gate.manifests === asked) await sleep(10)
    const end = ended(first)
    first.kill('SIGKILL')
    await end
    gate.open()
    expect(await second).toMatchObject({ code: 0, stderr: '' })
    expect(gate.ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d{6,}-/)])
    await expectWhole()
  }, 120_000)
})

/** Stands before a registry, and holds back the second half of layers while it is shut. */
class Gate {
  readonly #server: Server
  /** What was asked for of layers since it was shut: ranges, undefined for whole ones. */
  ranges: (string | undefined)[] = []
  /** Manifests that were asked for. */
  manifests = 0
  #opened: Promise<void> = Promise.resolve()
  open: () => void = () => undefined

  private constructor(registry: string) {
    const [host, port] = registry.split(':')
    this.#server = createServer((incoming, outgoing) => {
      const { method, url = '', headers } = incoming
      if (url.includes('/manifests/')) this.manifests += 1
      const sent = request({ host, port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers)
        const isLayer = url.includes('/blobs/') && Number(answer.headers['content-length']) > size / 10
        if (!isLayer) return void answer.pipe(outgoing)
        this.ranges.push(headers.range)
        const opened = this.#opened
        let passed = 0
        answer.on('data', (chunk: Buffer) => {
          outgoing.write(chunk)
          passed += chunk.length
          if (passed < size / 2) return
          answer.pause()
          void opened.then(() => answer.resume())
        })
        answer.on('end', () => outgoing.end())
      })
      outgoing.on('error', () => undefined).on('close', () => sent.destroy())
      sent.on('error', () => outgoing.destroy())
      incoming.pipe(sent)
    })
  }

  static async before(registry: string): Promise<Gate> {
    const gate = new Gate(registry)
    gate.#server.listen(0, '127.0.0.1')
    await once(gate.#server, 'listening')
    return gate
  }

  get image(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/test/sample:1`
  }

  shut(): void {
    this.ranges = []
    this.#opened = new Promise((resolve) => (this.open = resolve))
  }

  async close(): Promise<void> {
    this.open()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
