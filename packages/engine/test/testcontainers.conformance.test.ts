import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import {
  GenericContainer,
  Network,
  Wait,
  type StartedNetwork,
  type StartedTestContainer,
} from 'testcontainers'
import { describeOn, leakCheck } from '@ctr/testing'
import { addProgramImage, type ProgramImage } from './support/program-image.js'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'testcontainers', () => {
  const suite = setUp()
  const started: (StartedTestContainer | StartedNetwork)[] = []

  beforeAll(() => {
    Object.assign(process.env, {
      DOCKER_HOST: `unix://${suite.socket}`,
      TESTCONTAINERS_RYUK_DISABLED: 'true',
    })
  })
  // testcontainers leaves its lock there, for good
  const lock = join(tmpdir(), 'testcontainers-node.lock')
  const wasThere = existsSync(lock)
  afterAll(() => {
    if (!wasThere) rmSync(lock, { force: true })
  })
  afterEach(async () => {
    for (const one of started.splice(0).reverse()) await one.stop()
  })
  const start = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const running = await container.withStartupTimeout(60_000).start()
    started.push(running)
    return running
  }
  const shell = (script: string): GenericContainer =>
    new GenericContainer(image).withCommand(['sh', '-c', script])
  const page = new GenericContainer(image)
    .withCopyContentToContainer([{ content: 'hello', target: '/www/index.html' }])
    .withCommand(['httpd', '-f', '-p', '8080', '-h', '/www'])
    .withExposedPorts(8080)
  const addressOf = (container: StartedTestContainer): string =>
    `http://${container.getHost()}:${container.getMappedPort(8080)}/`

  it('waits until a port listens, and reaches it on the host', async () => {
    const container = await start(page)
    expect(await (await fetch(addressOf(container))).text()).toBe('hello')
    await container.restart()
    expect(await (await fetch(addressOf(container))).text()).toBe('hello')
  })

  it('waits for answers, words of a log, health, and an end', async () => {
    await start(page.withWaitStrategy(Wait.forHttp('/', 8080)))
    await start(shell('echo begun; sleep 1000').withWaitStrategy(Wait.forLogMessage('begun')))
    const healthy = { test: ['CMD-SHELL', 'test -e /up'] as const, interval: 100, retries: 1000 }
    await start(
      shell('touch /up; sleep 1000')
        .withHealthCheck({ ...healthy, test: [...healthy.test] })
        .withWaitStrategy(Wait.forHealthCheck()),
    )
    await start(shell('true').withWaitStrategy(Wait.forOneShotStartup()))
    const failing = shell('exit 3').withWaitStrategy(Wait.forOneShotStartup())
    await expect(failing.start()).rejects.toThrow('Container failed to start')
  })

  it('executes, logs and copies', async () => {
    const container = await start(
      shell('echo out; echo err >&2; sleep 1000')
        .withEnvironment({ A: 'b' })
        .withLabels({ of: 'test' })
        .withWaitStrategy(Wait.forLogMessage('err')),
    )
    expect(container.getLabels()).toMatchObject({ of: 'test' })
    expect(await container.exec(['sh', '-c', 'echo $A; echo no >&2; exit 4'])).toMatchObject({
      exitCode: 4,
      stdout: 'b\n',
      stderr: 'no\n',
    })
    expect(await container.exec(['pwd'], { workingDir: '/tmp', user: 'app' })).toMatchObject({
      output: '/tmp\n',
    })
    const lines = await container.logs()
    let seen = ''
    for await (const chunk of lines) {
      seen += String(chunk)
      if (seen.includes('out') && seen.includes('err')) break
    }
    await container.copyContentToContainer([{ content: 'copied', target: '/tmp/file', mode: 0o600 }])
    expect(await container.exec(['stat', '-c', '%a', '/tmp/file'])).toMatchObject({ output: '600\n' })
    expect(await text(await container.copyArchiveFromContainer('/tmp/file'))).toContain('copied')
  })

  it('makes networks on which containers find each other', async () => {
    const network = await new Network().start()
    started.push(network)
    await start(page.withNetwork(network).withNetworkAliases('web'))
    const other = await start(shell('sleep 1000').withNetwork(network))
    expect(await other.exec(['wget', '-qO-', 'http://web:8080/'])).toMatchObject({ output: 'hello' })
  })

  it('makes images of containers, and takes one up again', async () => {
    const first = await start(shell('echo x >/made; sleep 1000').withName('kept').withReuse())
    const again = await shell('echo x >/made; sleep 1000').withName('kept').withReuse().start()
    expect(again.getId()).toBe(first.getId())
    await first.commit({ repo: 'committed', tag: '1' })
    const copy = await start(new GenericContainer('committed:1').withCommand(['sleep', '1000']))
    expect(await copy.exec(['cat', '/made'])).toMatchObject({ output: 'x\n' })
  })

  it('removes what a run that was killed has left, by its reaper', async () => {
    await addProgramImage(suite.engine.runtime, reaperImage)
    const before = (await suite.ok('network', 'ls', '-q')).split('\n').length
    const script = fileURLToPath(new URL('fixtures/abandons.mjs', import.meta.url))
    const env = { ...process.env, NODE_OPTIONS: '', TESTCONTAINERS_RYUK_DISABLED: '', ...reaperEnv }
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    expect((await suite.ok('ps', '-q')).split('\n')).toHaveLength(2)
    expect((await suite.ok('network', 'ls', '-q')).split('\n')).toHaveLength(before + 1)
    child.kill('SIGKILL')
    while ((await suite.ok('ps', '-aq')) !== '') await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await suite.ok('network', 'ls', '-q')).split('\n')).toHaveLength(before)
  })
})

const reaperEnv = { RYUK_CONTAINER_IMAGE: 'reaper:local' }

/** Node.js as it runs here, with a stand-in for testcontainers' Ryuk. */
const reaperImage: ProgramImage = {
  reference: 'reaper:local',
  programs: [realpathSync(process.execPath)],
  sources: [
    {
      type: 'file',
      path: 'reaper.mjs',
      source: fileURLToPath(new URL('fixtures/reaper.mjs', import.meta.url)),
    },
  ],
  config: {
    Cmd: [realpathSync(process.execPath), '/reaper.mjs'],
    ExposedPorts: ['8080/tcp'],
    Labels: { 'org.testcontainers.ryuk': 'true' },
  },
}
