import { readFileSync } from 'node:fs'
import { beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'images mounted by docker run', () => {
  const suite = setUp()
  const mounted = (rest = ''): string[] => [
    '--network',
    'none',
    '--mount',
    `type=image,src=files:1,dst=/x${rest}`,
  ]
  const cat = (path: string, rest: string) =>
    suite.docker('run', '--rm', ...mounted(rest), image, 'cat', path)

  beforeAll(async () => {
    const script = 'mkdir /d; echo whole >/d/file; ln -s ../../../etc/passwd /d/up'
    await suite.ok('run', '--name', 'maker', '--network', 'none', image, 'sh', '-c', script)
    await suite.ok('commit', 'maker', 'files:1')
    await suite.ok('rm', 'maker')
  })

  it('shows their files, which cannot be written to', async () => {
    const script = 'cat /x/d/file; touch /x/d/new'
    const ended = await suite.docker('run', '--rm', ...mounted(), image, 'sh', '-c', script)
    expect(ended).toMatchObject({
      stdout: 'whole\n',
      stderr: expect.stringContaining('Read-only file system'),
    })
  })

  it('shows a part of them, inside of which links end', async () => {
    expect(await cat('/x/file', ',image-subpath=d')).toMatchObject({ code: 0, stdout: 'whole\n' })
    expect(await cat('/x', ',image-subpath=d/file')).toMatchObject({ code: 0, stdout: 'whole\n' })
    const { stdout } = await cat('/x', ',image-subpath=d/up')
    expect(stdout).toContain('app:x:1000')
    const missing = await cat('/x', ',image-subpath=d/none')
    expect(missing).toMatchObject({ code: 125, stderr: expect.stringContaining('"d/none" of an image') })
    const above = await cat('/x', ',image-subpath=../d')
    expect(above).toMatchObject({ code: 125, stderr: expect.stringContaining('relative') })
  })

  it('keeps them for a container, under whatever name', async () => {
    await suite.ok('create', '--name', 'keeps', ...mounted(), image, 'cat', '/x/d/file')
    const id = await suite.ok('image', 'inspect', '-f', '{{.Id}}', 'files:1')
    expect(JSON.parse(await suite.ok('inspect', '-f', '{{json .Mounts}}', 'keeps'))).toEqual([
      { Type: 'image', Source: id, Destination: '/x', Mode: '', RW: false, Propagation: '' },
    ])
    expect(await suite.docker('rmi', 'files:1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has it mounted'),
    })
    await suite.ok('tag', image, 'files:1')
    await suite.ok('image', 'prune', '-af')
    for (const _again of [1, 2]) expect(await suite.ok('start', '-a', 'keeps')).toBe('whole')
    await suite.ok('cp', 'keeps:/x/d/file', `${suite.folder}/copied`)
    expect(readFileSync(`${suite.folder}/copied`, 'utf8')).toBe('whole\n')
    await suite.ok('rm', 'keeps')
    await suite.ok('rmi', 'files:1', id)
  })

  it('refuses images that are not here', async () => {
    const mount = 'type=image,src=no-such:1,dst=/x'
    expect(await suite.docker('create', '--pull', 'never', '--mount', mount, image)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no-such:1'),
    })
  })
})
