import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { describeOn } from '@ctr/testing'

// No check of leaks as elsewhere: systemd brings up what the units ask for in the meantime.
jest.setTimeout(600_000) // the machine is emulated

const units = '/run/systemd/system'
const socket = '/run/ctrjs/docker.sock'
const program = fileURLToPath(new URL('../dist/bin.cjs', import.meta.url))
const document = fileURLToPath(new URL('../../../docs/moving-from-docker.md', import.meta.url))

/** The units of the document; only the program and its folders, and the group, are those of this machine. */
function unitsOf(folder: string): [string, string][] {
  const text = readFileSync(document, 'utf8')
  const found = [...text.matchAll(/`\/etc\/systemd\/system\/(ctrjs\.\w+)`:\n\n```ini\n(.*?)```/gs)]
  const ours = `${process.execPath} ${program} daemon --root ${folder}/root --state ${folder}/state`
  return found.map(([, name = '', unit = '']) => [
    name,
    unit.replace('/usr/bin/ctrjs daemon', ours).replace('SocketGroup=docker', 'SocketGroup=root'),
  ])
}

describeOn(['root', 'cgroup2', 'bin:systemctl', 'bin:docker', 'bin:busybox'], 'the units of systemd', () => {
  let folder: string
  /** Of the container, as the host sees it. */
  let pid: string

  const systemctl = (...args: string[]): string =>
    execFileSync('systemctl', args, { encoding: 'utf8' }).trim()
  const show = (name: string): string => systemctl('show', '--value', `--property=${name}`, 'ctrjs.service')
  const docker = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder }
    return (await promisify(execFile)('docker', args, { env })).stdout.trim()
  }
  const state = (): Promise<string> => docker('inspect', '-f', '{{.State.Status}} {{.State.Pid}}', 'goes-on')

  /** On the terminal of the container that has one. */
  const print = (word: string): Promise<string> =>
    docker('exec', 'terminal', 'sh', '-c', `echo ${word} >/proc/1/fd/1`)

  beforeAll(() => {
    mkdirSync('/var/lib/ctrjs', { recursive: true })
    folder = mkdtempSync('/var/lib/ctrjs/units-')
    mkdirSync(units, { recursive: true })
    for (const [name, unit] of unitsOf(folder)) writeFileSync(join(units, name), unit)
    systemctl('daemon-reload')
    systemctl('start', 'ctrjs.socket')
  })
  afterAll(() => {
    systemctl('stop', 'ctrjs.socket', 'ctrjs.service')
    for (const [name] of unitsOf(folder)) rmSync(join(units, name))
    systemctl('daemon-reload')
    rmSync(folder, { recursive: true })
  })

  it('start the daemon with its first client', async () => {
    expect([statSync(socket).mode & 0o777, show('ActiveState')]).toEqual([0o660, 'inactive'])
    expect(await docker('version', '-f', '{{.Server.Os}}')).toBe('linux')
    expect(show('ActiveState')).toBe('active')
    const root = join(folder, 'busybox')
    mkdirSync(join(root, 'bin'), { recursive: true })
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    execFileSync('cp', ['-L', busybox, join(root, 'bin/busybox')])
    for (const name of ['sh', 'sleep', 'echo', 'cat']) symlinkSync('busybox', join(root, 'bin', name))
    execFileSync('tar', ['-C', root, '-cf', join(folder, 'root.tar'), '.'])
    await docker('import', '--change', 'ENV PATH=/bin', join(folder, 'root.tar'), 'bb:1')
    const script = 'while read line; do echo "$line"; done'
    await docker('run', '-di', '--name', 'goes-on', '--network', 'none', 'bb:1', 'sh', '-c', script)
    const [status, number = ''] = (await state()).split(' ')
    expect(status).toBe('running')
    pid = number
    await docker(
      'run',
      '-dt',
      '--name',
      'terminal',
      '--network',
      'none',
      'bb:1',
      'sh',
      '-c',
      'sleep 100000; :',
    )
  })

  it('leave containers running over a restart of the daemon', async () => {
    const before = show('MainPID')
    systemctl('restart', 'ctrjs.service')
    expect(show('MainPID')).not.toBe(before)
    expect(await docker('exec', 'goes-on', 'sh', '-c', 'echo again; echo kept >/proc/1/fd/1')).toBe('again')
    expect(await state()).toBe(`running ${pid}`)
    while ((await docker('logs', 'goes-on')) !== 'kept') await sleep(100)
    await print('restarted')
  })

  it('leave them running when it is killed, and start it again', async () => {
    const before = show('MainPID')
    systemctl('kill', '--signal=KILL', 'ctrjs.service')
    while (['0', before].includes(show('MainPID'))) await sleep(100)
    expect(await docker('exec', 'goes-on', 'echo', 'again')).toBe('again')
    expect(await state()).toBe(`running ${pid}`)
    expect(Number(show('NRestarts'))).toBe(1)
    await print('killed')
  })

  it('leave them running when both are stopped, and find them afterwards', async () => {
    systemctl('stop', 'ctrjs.socket', 'ctrjs.service')
    expect(show('ActiveState')).toBe('inactive')
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain('while read line')
    systemctl('start', 'ctrjs.socket')
    expect(await docker('exec', 'goes-on', 'echo', 'again')).toBe('again')
    await print('stopped')
    while (!(await docker('logs', 'terminal')).includes('stopped')) await sleep(100)
    expect((await docker('logs', 'terminal')).trim().split(/\s+/)).toEqual(['restarted', 'killed', 'stopped'])
    await docker('rm', '-f', 'goes-on', 'terminal')
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    expect(mounts.filter((line) => line.includes(`${folder}/root/containers`))).toEqual([])
  })
})
