import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { MNT_DETACH, mount, umount2 } from '@ctr/linux'
import { Runtime } from '@ctr/runtime'
import { describeOn, leakCheck } from '@ctr/testing'
import { Daemon, type DaemonPlace } from './support/daemon.js'
import { addBusybox, image, needs, setUp, type Ended } from './support/suite.js'

leakCheck()

const MiB = 1024 * 1024

describeOn([...needs, 'bin:prlimit'], 'the daemon, when the machine lacks something', () => {
  const suite = setUp()
  let daemon: Daemon
  let place: DaemonPlace
  let count = 0
  const open: Socket[] = []

  const docker = (...args: string[]): Promise<Ended> =>
    suite.docker('--host', `unix://${place.socket}`, ...args)
  const ok = (...args: string[]): Promise<string> => suite.ok('--host', `unix://${place.socket}`, ...args)
  const run = (...args: string[]): Promise<string> => ok('run', '--network', 'none', ...args)
  const containers = async (): Promise<string[]> =>
    (await ok('ps', '-a', '--format', '{{.Names}}')).split('\n').sort()

  beforeAll(() => {
    daemon = new Daemon()
  })
  afterAll(() => {
    daemon[Symbol.dispose]()
  })
  beforeEach(() => {
    const folder = `${suite.folder}/${++count}`
    mkdirSync(folder)
    place = { root: `${folder}/root`, state: `${folder}/state`, socket: `${folder}/docker.sock` }
    mkdirSync(place.root)
    daemon.reports = ''
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy()
    rmSync(`${place.root}/full`, { recursive: true, force: true })
    if (daemon.isUp) {
      const ids = await ok('ps', '-aq')
      if (ids !== '') await ok('rm', '-f', '-v', ...ids.split('\n'))
    }
    await daemon.kill()
    const runtime = await Runtime.open(place)
    await runtime.reset()
    await runtime.close()
    umountIfAny(place.root)
  })

  /** The daemon, with an image. */
  async function begin(more: Partial<DaemonPlace> = {}): Promise<void> {
    place = { ...place, ...more }
    const runtime = await Runtime.open(place)
    await addBusybox(runtime)
    await runtime.close()
    await daemon.start(place)
  }
  async function request(text: string): Promise<Socket> {
    const socket = connect(place.socket)
    open.push(socket)
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    socket.write(text)
    return socket
  }
  /** Events of the container `old`, whose labels are long, by an even number of requests. */
  async function makeEvents(requests: number): Promise<void> {
    const old = new Docker({ socketPath: place.socket }).getContainer('old')
    for (let n = 0; n < requests; n += 2) {
      await old.pause()
      await old.unpause()
    }
  }

  it.each([
    ['space', 'size=48m', () => fillSpace(`${place.root}/full`)],
    ['inodes', 'size=48m,nr_inodes=2000', () => fillInodes(`${place.root}/full`)],
  ])('refuses what needs %s when there is none, goes on, and recovers', async (_what, options, fill) => {
    mount('tmpfs', place.root, 'tmpfs', 0, options)
    await begin()
    await run('-d', '--name', 'old', image, 'sh', '-c', 'while read x; do :; done; sleep 100000')
    await run(
      '-d',
      '--name',
      'ends',
      image,
      'sh',
      '-c',
      'while ! [ -e /tmp/end ]; do sleep 0.1; done; exit 7',
    )
    await run('-d', '--name', 'talks', image, 'sh', '-c', 'while :; do echo tick; sleep 0.05; done')
    await run('-d', '--name', 'goes', image, 'sleep', '100000')
    await ok('exec', 'ends', 'touch', '/tmp/end-')
    fill()
    // others may give a page back meanwhile: not all of these must fail
    const results = [
      await docker('run', '--network', 'none', '--name', 'new', image, 'sh', '-c', 'cat /bin/* >/new'),
      await docker('volume', 'create', 'new'),
      await docker('network', 'create', 'new'),
      await docker('tag', image, 'new:1'),
    ]
    const refused = results.filter(({ code }) => code !== 0)
    expect(refused.length).toBeGreaterThan(0)
    for (const { stderr } of refused) expect(stderr).toMatch(/ENOSPC|no space left/i)
    await docker('rm', '-f', 'new')
    expect(await containers()).toEqual(['ends', 'goes', 'old', 'talks'])
    expect(await ok('exec', 'old', 'echo', 'hello')).toBe('hello')
    await ok('exec', 'ends', 'mv', '/tmp/end-', '/tmp/end')
    expect(await ok('wait', 'ends')).toBe('7')
    await ok('rm', '-f', 'goes')
    expect(await ok('inspect', '-f', '{{.State.Running}}', 'talks')).toBe('true')
    expect(daemon.isUp).toBe(true)
    rmSync(`${place.root}/full`, { recursive: true })
    const lines = async (): Promise<number> => (await ok('logs', 'talks')).split('\n').length
    const before = await lines()
    while ((await lines()) <= before) await sleep(50)
    expect(await run('--rm', image, 'echo', 'again')).toBe('again')
    const kept = `${place.root}/engine/containers/${await ok('inspect', '-f', '{{.Id}}', 'ends')}.json`
    while (!['', '.new'].some((end) => readIfThere(kept + end).includes('"exitCode":7'))) await sleep(20)
    await daemon.kill()
    await daemon.start(place)
    expect(await containers()).toEqual(['ends', 'old', 'talks'])
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'ends', 'old')).toBe(
      'exited 7\nrunning 0',
    )
  })

  it('serves whom it can when descriptors run out, and recovers', async () => {
    await begin({ mostFiles: 96 })
    await run('-d', '--name', 'old', image, 'sleep', '100000')
    for (let n = 0; n < 200; n++) await request('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n')
    await Promise.all(
      Array.from({ length: 5 }, () => docker('run', '--rm', '--network', 'none', image, 'true')),
    )
    expect(daemon.isUp).toBe(true)
    for (const socket of open.splice(0)) socket.destroy()
    while ((await docker('ps')).code !== 0) await sleep(50)
    expect(await containers()).toEqual(['old'])
    for (let n = 0; n < 5; n++) expect(await run('--rm', image, 'echo', 'again')).toBe('again')
    const running = readdirSync(`/proc/${daemon.pid}/fd`).length
    for (let n = 0; n < 5; n++) await run('--rm', image, 'true')
    expect(readdirSync(`/proc/${daemon.pid}/fd`).length).toBeLessThanOrEqual(running + 5)
  })

  it('puts a damaged file aside, names it, and works with the rest', async () => {
    await begin()
    await run('-d', '--name', 'good', image, 'sleep', '100000')
    await ok('create', '--name', 'bad', image)
    await ok('volume', 'create', 'bad')
    await ok('volume', 'create', 'good')
    await ok('network', 'create', 'bad')
    const id = await ok('inspect', '-f', '{{.Id}}', 'bad')
    await daemon.kill()
    const document = `${place.root}/engine/containers/${id}.json`
    for (const file of [document, `${document}.new`]) writeFileSync(file, '{"id":')
    await daemon.start(place)
    expect(daemon.reports).toContain(`${document}.damaged`)
    expect(await containers()).toEqual(['good'])
    await daemon.kill()
    const files = ['networks/bad.json', 'volumes/bad/volume.json'].map((file) => `${place.root}/${file}`)
    const [network] = files
    const record = readFileSync(network!)
    for (const file of files) writeFileSync(file, '\0\0\0')
    await daemon.start(place)
    for (const file of files) expect(daemon.reports).toContain(file)
    expect(await ok('volume', 'ls', '-q')).toBe('good')
    await ok('network', 'ls')
    expect(await containers()).toEqual(['good'])
    expect(await ok('exec', 'good', 'echo', 'hello')).toBe('hello')
    expect(await run('--rm', '-v', 'good:/v', image, 'echo', 'hello')).toBe('hello')
    writeFileSync(network!, record) // so that it can be removed
  })

  it.each([
    ['GET', '/containers/floods/logs?follow=1&stdout=1'],
    ['POST', '/containers/floods/attach?stream=1&stdout=1'],
    ['GET', '/containers/floods/attach/ws?stream=1&stdout=1'],
    ['GET', '/containers/floods/export'],
    ['GET', `/images/${image}/get`],
    ['GET', '/containers/floods/stats'],
    ['GET', '/events'],
  ])('has bounded memory for clients that never read what they asked for: %s %s', async (method, path) => {
    await begin()
    const script = 'read x; yes 0123456789abcdef | head -c 67108864; while read x; do :; done; sleep 100000'
    await run('-di', '--name', 'floods', '--log-opt', 'max-size=100m', image, 'sh', '-c', script)
    await run('-d', '--name', 'old', '-l', `long=${'x'.repeat(100_000)}`, image, 'sleep', '100000')
    for (let n = 0; n < 5; n++) await run('--rm', image, 'echo', 'warm')
    const before = daemon.memory
    const upgrade = path.includes('/ws')
      ? 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
      : ''
    for (let n = 0; n < 10; n++)
      (await request(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)).pause()
    const input = await request(
      'POST /containers/floods/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    )
    input.write('go\n')
    await makeEvents(200)
    for (let n = 0; n < 3; n++) expect(await run('--rm', image, 'echo', 'served')).toBe('served')

    expect(daemon.memory - before).toBeLessThan(200 * MiB)
    expect(daemon.isUp).toBe(true)
  })

  it('closes the connections of clients that do not read events', async () => {
    await begin()
    await run('-d', '--name', 'old', '-l', `long=${'x'.repeat(100_000)}`, image, 'sleep', '100000')
    const connections = (): number =>
      readFileSync('/proc/net/unix', 'latin1')
        .split('\n')
        .filter((line) => line.endsWith(` ${place.socket}`) && line.split(' ')[5] === '03').length
    for (let n = 0; n < 10; n++) (await request('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')).pause()
    await makeEvents(2)
    expect(connections()).toBeGreaterThanOrEqual(10)
    await makeEvents(60)
    while (connections() > 0) await sleep(50)
  })

  it('serves others while clients begin requests and never end them', async () => {
    await begin()
    await run('-d', '--name', 'old', image, 'sleep', '100000')
    const before = daemon.memory
    const head = 'HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    for (const [line, type] of [
      ['POST /containers/create', 'Content-Length: 1000\r\n\r\n{'],
      ['POST /containers/create', 'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a'],
      ['POST /containers/create', 'Content-Le'],
      [
        'PUT /containers/old/archive?path=/tmp',
        'Content-Type: application/x-tar\r\nContent-Length: 10240\r\n\r\n',
      ],
      ['POST /images/load', 'Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n'],
      ['POST /containers/old/exec', 'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 100\r\n\r\n{'],
    ] as const)
      for (let n = 0; n < 50; n++) await request(`${line} ${head}${type}`)
    for (let n = 0; n < 3; n++) expect(await run('--rm', image, 'echo', 'served')).toBe('served')
    expect(await ok('exec', 'old', 'echo', 'hello')).toBe('hello')
    expect(daemon.memory - before).toBeLessThan(100 * MiB)
    for (const socket of open.splice(0)) socket.destroy()
    expect(await containers()).toEqual(['old'])
    await ok('rm', '-f', 'old')
  })
})

function fillSpace(folder: string): void {
  mkdirSync(folder)
  const fd = openSync(`${folder}/file`, 'w')
  try {
    // the last pages one by one
    for (const size of [1024 * 1024, 4096]) untilFull(() => writeSync(fd, Buffer.alloc(size)))
  } finally {
    closeSync(fd)
  }
}

function fillInodes(folder: string): void {
  mkdirSync(folder)
  let n = 0
  untilFull(() => {
    writeFileSync(`${folder}/${n++}`, '')
  })
}

function untilFull(step: () => void): void {
  try {
    for (;;) step()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function umountIfAny(path: string): void {
  try {
    umount2(path, MNT_DETACH)
  } catch {
    // it is none
  }
}
