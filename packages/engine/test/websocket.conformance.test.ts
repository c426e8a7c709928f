import { on, once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from '@jest/globals'
import { WebSocket } from 'ws'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'attach by a websocket', () => {
  const suite = setUp()
  const clients: WebSocket[] = []

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate()
    for (const container of suite.engine.containers.all())
      await container.remove({ force: true, volumes: true })
  })

  function connect(name: string, query: string, headers: Record<string, string> = {}): WebSocket {
    const url = `ws+unix://${suite.socket}:/v1.51/containers/${name}/attach/ws?${query}`
    const client = new WebSocket(url, { headers })
    clients.push(client)
    return client
  }
  /** Everything that comes, to the end of the connection. */
  async function received(client: WebSocket): Promise<string> {
    const parts: Buffer[] = []
    client.on('message', (bytes, isBinary) => {
      expect(isBinary).toBe(true)
      parts.push(bytes as Buffer)
    })
    await once(client, 'close')
    return Buffer.concat(parts).toString()
  }
  const refusal = async (client: WebSocket): Promise<string> =>
    ((await once(client, 'error')) as [Error])[0].message
  const create = async (name: string, script: string, ...flags: string[]): Promise<void> => {
    await suite.ok('create', ...flags, '--name', name, '--network', 'none', image, 'sh', '-c', script)
  }

  it('gives output as it is, takes input, and ends with the program', async () => {
    await create('both', 'read x; echo "got $x"; echo err >&2; exit 3', '-i')
    const client = connect('both', 'stream=1&stdin=1&stdout=1&stderr=1')
    await once(client, 'open')
    const all = received(client)
    await suite.ok('start', 'both')
    client.send('typed\n')
    expect([...(await all).matchAll(/got typed\n|err\n/g)].map(String).sort()).toEqual([
      'err\n',
      'got typed\n',
    ])
    expect(await suite.ok('wait', 'both')).toBe('3')
  })

  it('gives only the streams that are named, with what was printed before', async () => {
    await create('one', 'echo out; echo err >&2; read x; echo more; echo lost >&2', '-i')
    await suite.ok('start', 'one')
    while ((await suite.docker('logs', 'one')).stdout !== 'out\n') await sleep(20)
    const client = connect('one', 'logs=1&stream=1&stdin=1&stdout=1')
    const all = received(client)
    await once(client, 'open')
    client.send(Buffer.from('\n'))
    expect(await all).toBe('out\nmore\n')
  })

  it('lets a client go by its keys, and the program go on', async () => {
    await create('keys', 'read x; echo "got $x"; sleep 1000', '-it')
    await suite.ok('start', 'keys')
    const client = connect('keys', 'stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,x')
    await once(client, 'open')
    client.send('\x01x')
    await once(client, 'close')
    const second = connect('keys', 'stream=1') // as older clients: all streams
    await once(second, 'open')
    const messages = on(second, 'message')
    second.send('again\n')
    for await (const [bytes] of messages) if (String(bytes).includes('got again')) break
    second.close()
    await once(second, 'close')
    expect(await suite.ok('inspect', '-f', '{{.State.Running}}', 'keys')).toBe('true')
  })

  it('refuses what is not there, not asked for as a websocket, or of a page of another host', async () => {
    expect(await refusal(connect('none', 'stream=1'))).toContain('404')
    await create('there', 'true')
    expect(await refusal(connect('there', 'stream=1', { Origin: 'https://example.org' }))).toContain('403')
    expect(await refusal(connect('there', 'stream=1&detachKeys=ctrl-'))).toContain('400')
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }
    for (const [headers, said] of [
      [{}, 'Upgrade: websocket is needed'],
      [upgrade, 'Sec-WebSocket-Key'],
    ] as const) {
      const asked = get({ socketPath: suite.socket, path: '/containers/there/attach/ws?stream=1', headers })
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      expect([answer.statusCode, await text(answer)]).toEqual([400, expect.stringContaining(said)])
    }
  })

  it('ends a client that sends too much at once, and serves the others', async () => {
    await create('input', 'cat >/dev/null', '-i')
    await suite.ok('start', 'input')
    const client = connect('input', 'stream=1&stdin=1')
    await once(client, 'open')
    client.on('error', () => undefined)
    const closed = once(client, 'close') as Promise<[number]>
    client.send(Buffer.alloc(2 * 1024 * 1024))
    expect([1006, 1009]).toContain((await closed)[0])
    expect(await suite.ok('inspect', '-f', '{{.State.Running}}', 'input')).toBe('true')
  })
})
