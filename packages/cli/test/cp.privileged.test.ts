import { execFileSync } from 'node:child_process'
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

const done = { code: 0, stdout: '', stderr: '' }

describeOn(needs, 'ctrjs cp', () => {
  const suite = setUp()
  const cp = (...args: string[]): ReturnType<typeof suite.ctrjs.run> => suite.ctrjs.run('cp', ...args)
  const exec = async (script: string): Promise<string> =>
    (await suite.ctrjs.run('exec', 'running', 'sh', '-c', script)).stdout
  const at = (...names: string[]): string => join(suite.folder, 'host', ...names)

  beforeAll(async () => {
    mkdirSync(at('tree', 'sub'), { recursive: true })
    writeFileSync(at('tree', 'sub', 'a'), 'of the host\n', { mode: 0o640 })
    chownSync(at('tree', 'sub', 'a'), 1234, 1234)
    symlinkSync('sub/a', at('tree', 'link'))
    const script = 'mkdir -p /data/sub; echo inside >/data/sub/b; trap exit TERM; while :; do sleep 1; done'
    const name = ['--name', 'running', '--network', 'none']
    const started = await suite.ctrjs.run('run', '-d', ...name, suite.image, 'sh', '-c', script)
    expect(started).toMatchObject({ code: 0, stderr: '' })
    for (let n = 0; n < 100 && (await exec('cat /data/sub/b')) !== 'inside\n'; n++);
    const ended = ['--name', 'ended', '--network', 'none', suite.image]
    const left = await suite.ctrjs.run('run', ...ended, 'sh', '-c', 'echo left >/left; ln -s /left /link')
    expect(left).toEqual(done)
  })

  it('copies into a running container: files, folders, and what is in a folder', async () => {
    expect(await cp(at('tree', 'sub', 'a'), 'running:/new-name')).toEqual(done)
    expect(await cp(at('tree'), 'running:/data')).toEqual(done)
    expect(await cp(`${at('tree')}/.`, 'running:/data/sub')).toEqual(done)
    expect(await cp(at('tree'), 'running:/elsewhere')).toEqual(done)
    expect(await exec('cat /new-name /data/tree/sub/a /data/sub/sub/a /elsewhere/link')).toBe(
      'of the host\n'.repeat(4),
    )
    expect(await exec('ls -ln /new-name')).toMatch(/^-rw-r----- +1 0 +0 /)
    expect(await cp('-a', at('tree', 'sub', 'a'), 'running:/kept')).toEqual(done)
    expect(await exec('ls -ln /kept')).toMatch(/^-rw-r----- +1 1234 +1234 /)
  })

  it('copies out of containers that run, and that do not', async () => {
    expect(await cp('running:/data/sub/b', at('b'))).toEqual(done)
    expect(readFileSync(at('b'), 'utf8')).toBe('inside\n')
    expect(await cp('ended:/left', at())).toEqual(done)
    expect(readFileSync(at('left'), 'utf8')).toBe('left\n')
    mkdirSync(at('out'))
    expect(await cp('ended:/link', at('out'))).toEqual(done)
    expect(lstatSync(at('out', 'link')).isSymbolicLink()).toBe(true)
    expect(await cp('-L', 'ended:/link', at('out', 'followed'))).toEqual(done)
    expect(readFileSync(at('out', 'followed'), 'utf8')).toBe('left\n')
    expect(await cp('ended:/etc/.', at('etc'))).toEqual(done)
    expect(readdirSync(at('etc'))).toContain('motd')
  })

  it('reads and writes archives', async () => {
    const archive = execFileSync('tar', ['-C', at('tree'), '-c', 'sub'])
    expect(await suite.ctrjs.feed(archive, 'cp', '-', 'running:/data')).toEqual(done)
    expect(await exec('cat /data/sub/a')).toBe('of the host\n')
    const { stdout } = await cp('ended:/left', '-')
    expect(execFileSync('tar', ['-x', '-O', 'left'], { input: stdout }).toString()).toBe('left\n')
  })

  it('says what cannot be, and changes nothing then', async () => {
    const refusals: readonly (readonly [string, string, string])[] = [
      ['running:/nothing', at('x'), 'cannot copy: /nothing: no such file or directory'],
      [at('nothing'), 'running:/', 'no such file or directory'],
      [at('tree'), 'running:/new-name', 'cannot copy a directory over a file'],
      [at('b'), 'running:/no/such/folder/b', 'no such directory'],
      [at('b'), 'running:/missing/', 'the destination directory must exist'],
      ['running:/data', 'ended:/', 'cannot copy between containers'],
      [at('b'), at('c'), 'write CONTAINER:PATH'],
      ['none:/a', at('c'), 'cannot find container none'],
      ['running:/data', at('b'), 'cannot copy a directory over a file'],
    ]
    for (const [from, to, why] of refusals) {
      const { code, stderr } = await cp(from, to)
      expect({ from, code: code !== 0, stderr }).toEqual({
        from,
        code: true,
        stderr: expect.stringContaining(why),
      })
    }
    expect(await exec('cat /new-name; ls -d /missing /no 2>/dev/null')).toBe('of the host\n')
    expect(readFileSync(at('b'), 'utf8')).toBe('inside\n')
  })

  it('follows no link of a container out of it', async () => {
    await exec(`ln -s ${at('tree')} /escape; ln -s ../../../../../..${at('tree')} /up`)
    for (const link of ['escape', 'up']) {
      expect(await cp(at('b'), `running:/${link}/stolen`)).toMatchObject({ code: 1 })
      expect(await cp(`running:/${link}/sub/a`, at('stolen'))).toMatchObject({ code: 1 })
    }
    expect(readdirSync(at('tree')).sort()).toEqual(['link', 'sub'])
  })
})
