import type { ChildProcess } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck } from '@ctr/testing'
import { preferInstalledCriu } from './support/criu.js'
import { endDaemon, EngineHost } from './support/engine-host.js'

leakCheck()
preferInstalledCriu()

const image = 'localhost/busybox:1'
const needs = ['root', 'bin:containerd', 'bin:ctr', 'bin:busybox', 'bin:python3'] as const

describeOn(needs, 'containerd with ctr-runtime', () => {
  let host: EngineHost
  let daemon: ChildProcess
  let ctr: readonly string[]
  const group = `ctr-containerd-${process.pid}`

  beforeAll(async () => {
    host = await EngineHost.open([group])
    const socket = join(host.folder, 'socket')
    const config = join(host.folder, 'config.toml')
    writeFileSync(
      config,
      `version = 2
root = "${host.folder}/root"
state = "${host.folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
`,
    )
    ctr = ['ctr', '--address', socket, '--namespace', group]
    daemon = await host.startDaemon(['containerd', '--config', config], [...ctr, 'version'])
    expect(
      host.run([...ctr, 'images', 'import', '--snapshotter', 'native', host.imageArchive(image)]),
    ).toMatchObject({ code: 0 })
  }, 180_000)

  afterAll(async () => {
    for (const id of output('container', 'ls', '-q').split('\n').filter(Boolean)) {
      host.run([...ctr, 'task', 'rm', '--force', id])
      host.run([...ctr, 'container', 'rm', id])
    }
    await endDaemon(daemon)
    await host.close()
  }, 180_000)

  const output = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = host.run([...ctr, ...args])
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  const line = (...args: readonly string[]) => [
    ...[...ctr, 'run', '--runc-binary', host.runtime.path, '--snapshotter', 'native'],
    ...args,
  ]
  const run = (...args: readonly string[]) => host.run(line(...args))

  const state = (id: string) =>
    output('task', 'ls')
      .split('\n')
      .map((row) => row.split(/ +/))
      .find(([name]) => name === id)?.[2]

  it('hands on output and exit code', () => {
    expect(run('--rm', image, 'first', 'sh', '-c', 'echo out; exit 3')).toMatchObject({
      code: 3,
      stdout: 'out\n',
    })
    expect(run('--rm', image, 'first', 'nosuch')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'OCI runtime create failed: ctr-runtime create failed: exec: "nosuch": executable file not found',
      ),
    })
  })

  it('joins a terminal', async () => {
    const script = 'tty; echo ready; read x; echo got $x; exit 6'
    const shown = await host.onTerminal('abc\\n', line('--rm', '-t', image, 'second', 'sh', '-c', script))
    expect(shown.replaceAll(/\r+/g, '')).toContain('/dev/pts/0\nready\nabc\ngot abc\n\nexit code 6,')
  })

  it.each([
    [['--read-only'], 'touch /x 2>&1', 'touch: /x: Read-only file system\n'],
    [['--memory-limit', '33554432', '--env', 'A=b'], 'echo $A', 'b\n'],
    [['--privileged'], 'mkdir /m && mount -t tmpfs tmpfs /m && echo mounted', 'mounted\n'],
    [['--net-host'], 'readlink /proc/self/ns/net | cut -c1-3', 'net\n'],
    [['--seccomp'], 'grep Seccomp: /proc/self/status', 'Seccomp:\t2\n'],
  ])('%j: %s', (options, script, expected) => {
    expect(run('--rm', ...options, image, 'other', 'sh', '-c', script)).toMatchObject({
      stdout: expected,
      stderr: '',
    })
  })

  it('leads a task through its life', async () => {
    run('-d', image, 'life', 'sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.1; done')
    expect(state('life')).toBe('RUNNING')
    expect(
      host.run([...ctr, 'task', 'exec', '--exec-id', 'one', 'life', 'sh', '-c', 'echo in; exit 5']),
    ).toMatchObject({
      code: 5,
      stdout: 'in\n',
    })
    expect(output('task', 'ps', 'life')).toMatch(/^PID +INFO\n\d+/)
    expect(output('task', 'metrics', 'life')).toContain('memory.usage')
    output('task', 'pause', 'life')
    expect(state('life')).toBe('PAUSED')
    output('task', 'resume', 'life')
    expect(state('life')).toBe('RUNNING')
    output('task', 'kill', '-s', 'TERM', 'life')
    await until(() => state('life') === 'STOPPED')
    expect(host.run([...ctr, 'task', 'rm', 'life']).stderr).toContain('exit code 9')
    output('container', 'rm', 'life')
  })

  it('has its tasks on a network of ours, by ctr-cni', () => {
    // ctr knows no other folders of plugins and networks
    const setUp = `mkdir -p /etc/cni && mount -t tmpfs tmpfs /etc/cni && mkdir /etc/cni/net.d &&
mount -t tmpfs tmpfs /opt && mkdir -p /opt/cni/bin && ln -s "$PLUGIN" /opt/cni/bin/ctr-cni &&
printf %s "$NETWORK" >/etc/cni/net.d/ours.conflist`
    const state = join(host.folder, 'networks')
    const instance = `cc${process.pid}`
    const plugins = [{ type: 'ctr-cni', state, instance, subnet: '10.213.0.0/24' }]
    using plugin = bundleFile(
      fileURLToPath(new URL('../../netbridge/src/cni/plugin/ctr-cni.ts', import.meta.url)),
    )
    chmodSync(plugin.path, 0o755)
    const NETWORK = JSON.stringify({ cniVersion: '1.0.0', name: 'ours', plugins })
    expect(host.run(['sh', '-c', setUp], { env: { PLUGIN: plugin.path, NETWORK } }).stderr).toBe('')
    const script = 'ip -4 -o address show eth0; ping -c 1 -W 10 10.213.0.1'
    const { code, stdout, stderr } = run('--rm', '--cni', image, 'networked', 'sh', '-c', script)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/inet 10\.213\.0\.\d+\/24 [^]* 1 packets received/)
    expect(code).toBe(0)
    expect(host.run(['ip', '-o', 'link', 'show', 'type', 'veth']).stdout).toBe('')
  })

  describeOn(['bin:criu'], 'with CRIU', () => {
    it('checkpoints and restores a task', async () => {
      expect(run('-d', image, 'saved', 'sleep', '1000').stderr).toBe('')
      output('container', 'checkpoint', '--task', 'saved', 'checkpoint')
      output('task', 'kill', '-s', 'KILL', 'saved')
      await until(() => state('saved') === 'STOPPED')
      output('task', 'rm', '--force', 'saved')
      output('container', 'rm', 'saved')
      output('container', 'restore', '--live', 'saved', 'checkpoint')
      expect(state('saved')).toBe('RUNNING')
    })
  })
})

async function until(check: () => boolean): Promise<void> {
  for (let attempt = 0; !check(); attempt++) {
    if (attempt === 600) throw new Error('it takes more than a minute')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
