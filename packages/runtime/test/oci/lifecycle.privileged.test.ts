import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { closeFd, O_CLOEXEC, pipe2 } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { OciRuntime } from '../../src/index.js'
import type { Config, ConfigProcess } from '../../src/oci/config/config.js'
import { defaultConfig } from '../../src/oci/config/default-config.js'

leakCheck()

describeOn(['root', 'bin:busybox'], 'OciRuntime, from create to delete', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let runtime: OciRuntime
  let bundle: string

  beforeAll(() => {
    folder = temporaryFolder('ctr-oci-')
    runtime = OciRuntime.open({ root: join(folder.path, 'state') })
    bundle = join(folder.path, 'bundle')
    mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    copyFileSync(busybox, join(bundle, 'rootfs/bin/busybox'))
    for (const name of ['sh', 'sleep', 'true', 'cat', 'id', 'hostname'])
      symlinkSync('busybox', join(bundle, 'rootfs/bin', name))
  })
  afterAll(() => {
    folder[Symbol.dispose]()
  })

  const processOf = (args: readonly string[], more: Partial<ConfigProcess> = {}): ConfigProcess => ({
    ...defaultConfig({ cgroupNamespace: true }).process!,
    terminal: false,
    rlimits: [],
    args,
    ...more,
  })
  const configure = (args: readonly string[], more: Partial<Config> = {}): void => {
    const config = { ...defaultConfig({ cgroupNamespace: true }), process: processOf(args), ...more }
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  }
  const quiet = ['ignore', 'ignore', 'inherit'] as const

  it('goes through the states of the specification', async () => {
    configure(['sleep', '60'])
    const box = await runtime.create('box', { bundle, stdio: quiet })
    expect(box.state()).toMatchObject({ id: 'box', status: 'created', bundle, ociVersion: '1.3.0' })
    expect(box.processes()).toEqual([box.pid])
    await box.start()
    expect(box.state().status).toBe('running')
    expect(readFileSync(`/proc/${box.pid}/cmdline`, 'utf8')).toBe('sleep\x0060\x00')
    await expect(box.start()).rejects.toMatchObject({ code: 'ERR_RUNTIME_RUNNING' })
    await expect(box.delete()).rejects.toMatchObject({ code: 'ERR_RUNTIME_RUNNING' })
    await box.pause()
    expect(box.state().status).toBe('paused')
    await box.resume()
    expect(runtime.list().map(({ id }) => id)).toEqual(['box'])
    box.kill(9)
    expect(await box.wait()).toEqual({ exitCode: undefined, signal: 9 })
    expect(box.state()).toMatchObject({ status: 'stopped', pid: 0 })
    await box.delete()
    expect(runtime.list()).toEqual([])
    expect(() => runtime.container('box')).toThrow('container "box" does not exist')
  })

  it('gives it its own /dev/null in place of ours, as a checkpoint needs it', async () => {
    configure(['sleep', '60'])
    const box = await runtime.create('box', { bundle, stdio: ['ignore', 'ignore', 'ignore'] })
    const [inside, host] = [statSync(`/proc/${box.pid}/fd/0`), statSync('/dev/null')]
    expect(inside.rdev).toBe(host.rdev)
    expect(inside.dev).not.toBe(host.dev)
    await box.delete({ force: true })
  })

  it('is found and started by another process', async () => {
    configure(['sleep', '60'])
    const box = await runtime.create('box', { bundle, stdio: quiet })
    const found = OciRuntime.open({ root: join(folder.path, 'state') }).container('box')
    await found.start()
    expect(found.state()).toMatchObject({ status: 'running', pid: box.pid })
    expect(() => found.wait()).toThrow('another program has made it')
    await found.delete({ force: true })
    await box.wait()
    expect(existsSync(join(folder.path, 'state/box'))).toBe(false)
  })

  it('executes more processes in it', async () => {
    configure(['sleep', '60'])
    const box = await runtime.create('box', { bundle, stdio: quiet })
    await box.start()
    const file = join(folder.path, 'output')
    writeFileSync(file, '')
    const output = openSync(file, 'w')
    const process = processOf(['sh', '-c', 'id -u; hostname; cat /proc/1/cmdline; exit 3'], {
      user: { uid: 1000, gid: 1000 },
    })
    const inside = await box.exec({ process, stdio: ['ignore', output, output] })
    expect(await inside.wait()).toEqual({ exitCode: 3, signal: undefined })
    closeSync(output)
    expect(readFileSync(file, 'utf8')).toBe('1000\nctr\nsleep\x0060\x00')
    await expect(box.exec({ process: processOf(['nothing']) })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_COMMAND_NOT_FOUND',
      message: 'exec: "nothing": executable file not found in $PATH',
    })
    await box.delete({ force: true })
  })

  it('gives a process its terminal', async () => {
    configure(['sh'], {
      process: processOf(['sh', '-c', 'test -t 0 && cat /dev/console & exit 5'], { terminal: true }),
    })
    const box = await runtime.create('box', { bundle, terminal: 'stream' })
    await box.start()
    expect(await box.wait()).toMatchObject({ exitCode: 5 })
    box.terminal?.destroy()
    await box.delete()
  })

  it('changes limits, and knows what it uses', async () => {
    configure(['sleep', '60'])
    const box = await runtime.create('box', { bundle, stdio: quiet })
    await box.start()
    await box.update({ pids: { limit: 20 }, memory: { limit: 64 * 2 ** 20 } })
    expect(box.stats()).toMatchObject({ pids: { limit: 20 }, memory: { usage: { limit: 64 * 2 ** 20 } } })
    expect(box.config().linux?.resources).toMatchObject({ pids: { limit: 20 } })
    await box.delete({ force: true })
  })

  it('tells at create what is wrong with the command, and leaves nothing', async () => {
    for (const [command, code] of [
      ['nothing', 'ERR_RUNTIME_COMMAND_NOT_FOUND'],
      ['/bin/nothing', 'ERR_RUNTIME_COMMAND_NOT_FOUND'],
      ['/bin', 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE'],
    ] as const) {
      configure([command])
      await expect(runtime.create('box', { bundle, stdio: quiet })).rejects.toMatchObject({ code })
    }
    expect(readdirSync(join(folder.path, 'state'))).toEqual([])
  })

  it('refuses what the host does not have, before anything is made', async () => {
    configure(['true'], { process: processOf(['true'], { apparmorProfile: 'none-such' }) })
    const enforced = spawnSync('test', ['-e', '/sys/kernel/security/apparmor/profiles']).status === 0
    if (!enforced) {
      await expect(runtime.create('box', { bundle })).rejects.toMatchObject({ code: 'ERR_RUNTIME_CONFIG' })
    }
    expect(readdirSync(join(folder.path, 'state'))).toEqual([])
  })

  it('explains a bundle without making anything', async () => {
    configure(['true'])
    const printed = await runtime.explain({ bundle })
    expect(printed).toContain('pivot_root(".", ".")')
    expect(printed).toContain('# hide /proc/kcore')
    expect(printed.trimEnd().split('\n').at(-1)).toMatch(/^execve\("\/bin\/true", \["true", NULL\]/)
    expect(readdirSync(join(folder.path, 'state'))).toEqual([])
  })

  it('pipes standard streams', async () => {
    configure(['hostname'])
    const [read, write] = pipe2(O_CLOEXEC)
    const box = await runtime.create('box', { bundle, stdio: ['ignore', write, 'inherit'] })
    await box.start()
    closeFd(write)
    expect(await text(createReadStream('', { fd: read }))).toBe('ctr\n')
    await box.wait()
    await box.delete()
  })
})
