import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it, jest } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import { describeDaemons } from './remote-suite.js'

jest.setTimeout(120_000)
leakCheck()

describeDaemons('ctrjs -H: files and images', (name, { suite, host, run, ok }) => {
  const at = (...names: string[]): string => join(suite.folder, name.replace(' ', '-'), ...names)
  const exec = (script: string): Promise<string> => ok('exec', 'box', 'sh', '-c', script)
  const feed = (input: string | Uint8Array, ...args: string[]) =>
    suite.ctrjs.feed(input, '-H', host(), ...args)

  beforeAll(async () => {
    mkdirSync(at('tree', 'sub'), { recursive: true })
    writeFileSync(at('tree', 'sub', 'a'), 'of the host\n', { mode: 0o640 })
    chownSync(at('tree', 'sub', 'a'), 1234, 1234)
    symlinkSync('sub/a', at('tree', 'link'))
    await ok('pull', '-q', suite.image)
    const script =
      'mkdir -p /data/sub; echo inside >/data/sub/b; ln -s /data/sub /to-sub; trap exit TERM; while :; do sleep 1; done'
    await ok('run', '-d', '--name', 'box', '--network', 'none', suite.image, 'sh', '-c', script)
    while ((await run('exec', 'box', 'ls', '/to-sub')).code !== 0);
  })

  it('copies into a container as it does without a daemon', async () => {
    await ok('cp', at('tree', 'sub', 'a'), 'box:/new-name')
    await ok('cp', at('tree'), 'box:/data')
    await ok('cp', `${at('tree')}/`, 'box:/slash')
    await ok('cp', `${at('tree')}/.`, 'box:/data/sub')
    await ok('cp', `${at('tree')}/.`, 'box:/elsewhere')
    await ok('cp', at('tree', 'sub', 'a'), 'box:/to-sub/c')
    expect(
      await exec('cat /new-name /data/tree/sub/a /slash/sub/a /data/sub/sub/a /elsewhere/link /data/sub/c'),
    ).toBe('of the host\n'.repeat(6))
    expect(await exec('ls -ln /new-name')).toMatch(/^-rw-r----- +1 0 +0 /)
    await ok('cp', '-a', at('tree', 'sub', 'a'), 'box:/kept')
    expect(await exec('ls -ln /kept')).toMatch(/^-rw-r----- +1 1234 +1234 /)
    const tar = execFileSync('tar', ['-C', at('tree'), '-cf', '-', 'sub'])
    expect(await feed(tar, 'cp', '-', 'box:/data')).toMatchObject({ code: 0, stderr: '' })
    expect(await exec('cat /data/sub/a')).toBe('of the host\n')
  })

  it('copies out of a container as it does without a daemon', async () => {
    await ok('cp', 'box:/data/sub/b', at('b'))
    expect(readFileSync(at('b'), 'utf8')).toBe('inside\n')
    await ok('cp', 'box:/data', at('new'))
    await ok('cp', 'box:/data', at('tree'))
    await ok('cp', 'box:/data/', at('slash'))
    await ok('cp', 'box:/data/.', at('content'))
    for (const path of [at('new'), at('tree', 'data'), at('slash'), at('content')])
      expect(readFileSync(join(path, 'sub', 'b'), 'utf8')).toBe('inside\n')
    await ok('cp', 'box:/to-sub', at('a-link'))
    expect(readlinkSync(at('a-link'))).toBe('/data/sub')
    await ok('cp', '-L', 'box:/to-sub', at('followed'))
    expect(readFileSync(at('followed', 'b'), 'utf8')).toBe('inside\n')
    await ok('cp', 'box:/kept', at('mine'))
    await ok('cp', '-a', 'box:/kept', at('kept'))
    expect(lstatSync(at('mine')).uid).toBe(process.getuid!())
    expect(lstatSync(at('kept')).uid).toBe(1234)
    const tar = suite.ctrjs.start('-H', host(), 'cp', 'box:/data/sub', '-')
    const listed = execFileSync('tar', ['-tf', '-'], { input: Buffer.concat(await tar.stdout.toArray()) })
    expect(listed.toString()).toMatch(/^sub\/\n(.*\n)*sub\/b\n/)
  })

  it('says what cannot be copied, and copies nothing of it', async () => {
    expect(await run('cp', 'box:/nosuch', at('x'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nosuch'),
    })
    expect(existsSync(at('x'))).toBe(false)
    expect((await run('cp', 'nosuch:/etc', at('x'))).stderr).toMatch(/no such container: nosuch/i)
    expect((await run('cp', at('tree'), 'nosuch:/')).stderr).toMatch(/no such container: nosuch/i)
    expect((await run('cp', at('tree'), 'box:/new-name')).stderr).toContain('directory over a file')
    expect((await run('cp', at('b'), 'box:/no/such')).stderr).toContain('no such directory')
    expect((await run('cp', 'box:/data', at('b'))).stderr).toContain('directory over a file')
  })

  it('tells what a container has changed, and makes images of it', async () => {
    expect(await ok('diff', 'box')).toMatch(/^(.*\n)*A \/data\/sub\/b\n/)
    const id = (
      await ok('commit', '-a', 'ann', '-m', 'why', '-c', 'CMD ["cat", "/data/sub/b"]', 'box', 'made:1')
    ).trim()
    expect(await ok('inspect', '-f', '{{.Id}} {{.Author}}', 'made:1')).toBe(`${id} ann\n`)
    expect(await ok('run', '--rm', '--network', 'none', 'made:1')).toBe('inside\n')
    expect(await ok('history', 'made:1')).toMatch(
      /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} .* why\n/,
    )
    expect(await ok('history', '-q', '--no-trunc', 'made:1')).toBe(`${id}\n`)
    const exported = at('root.tar')
    await ok('export', '-o', exported, 'box')
    const imported = (await ok('import', '-c', 'CMD ["cat", "/new-name"]', exported, 'made:2')).trim()
    expect(await ok('inspect', '-f', '{{.Id}}', 'made:2')).toBe(`${imported}\n`)
    expect(await ok('run', '--rm', '--network', 'none', 'made:2')).toBe('of the host\n')
    expect(await feed(readFileSync(exported), 'import', '-', 'made:3')).toMatchObject({ code: 0, stderr: '' })
    expect((await run('import', at('nosuch'))).stderr).toContain('ENOENT')
    await ok('rmi', '-f', 'made:2', 'made:3')
  })

  it('saves images and loads them', async () => {
    const archive = at('image.tar')
    await ok('save', '-o', archive, 'made:1', suite.image)
    await ok('rmi', 'made:1')
    expect((await ok('load', '-i', archive)).split('\n').sort()).toEqual(
      ['', 'Loaded image: made:1', `Loaded image: ${suite.image}`].sort(),
    )
    expect(await ok('run', '--rm', '--network', 'none', 'made:1')).toBe('inside\n')
    const { code, stdout } = await feed(readFileSync(archive), 'load', '-q')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect((await feed('no archive', 'load')).code).toBe(1)
    expect((await run('save', 'nosuch')).code).toBe(1)
    for (const args of [
      ['save', '--format', 'oci', 'made:1'],
      ['load', '-i', at('tree')],
    ])
      expect((await run(...args)).stderr).toContain('leave -H and DOCKER_HOST away')
  })

  it('prunes, and tells what is used', async () => {
    await ok('volume', 'create', 'named')
    await ok('run', '--name', 'gone', '-v', '/anonymous', '--network', 'none', 'made:1')
    await ok('network', 'create', 'unused')
    expect(await ok('system', 'df')).toMatch(
      /^TYPE .*\nImages +\d+ +\d+ +\S+ .*\nContainers +2 +1 +\S+ .*\nLocal Volumes +2 +1 /,
    )
    const id = (await ok('ps', '-q', '--no-trunc', '-f', 'name=gone', '-a')).trim()
    expect(await ok('container', 'prune', '-f')).toMatch(
      new RegExp(`^Deleted Containers:\\n${id}\\n\\nTotal reclaimed space: `),
    )
    expect(await ok('network', 'prune', '-f')).toBe('Deleted Networks:\nunused\n\n')
    const some = await run('volume', 'prune', '-f')
    if (name === 'dockerd' && some.code !== 0) expect(some.stderr).toContain('give --all')
    else expect(some.stdout).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal/)
    expect(await ok('volume', 'prune', '-af')).toMatch(/^Deleted Volumes:\n(.*\n)*named\n(.*\n)*\nTotal/)
    await ok('tag', 'made:1', 'made:4')
    expect(await ok('images', 'prune', '-af')).toContain('untagged: made:4\n')
    expect(await ok('system', 'prune', '-af')).toBe('Total reclaimed space: 0B\n')
    expect(await ok('volume', 'create', '-d', 'local', '--label', 'a=b', 'again')).toBe('again\n')
    await ok('volume', 'rm', 'again')
  })
})
