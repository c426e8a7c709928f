import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn([...needs, 'bin:skopeo', 'bin:tar'], 'docker commit, diff, export and import', () => {
  const suite = setUp()
  const run = (...args: string[]): Promise<string> => suite.ok('run', '--rm', '--network', 'none', ...args)

  it('makes images of containers, whatever they were created with', async () => {
    const given = ['-e', 'MADE=here', '-l', 'own=yes', '--expose', '81', '--network', 'none']
    const script = 'echo new >/etc/new; rm /etc/group; echo $MADE'
    await suite.ok('run', '--name', 'writer', ...given, '-v', '/data', image, 'sh', '-c', script)
    expect(await suite.ok('diff', 'writer')).toBe(
      'C /etc\nD /etc/group\nA /etc/new\nA /data'.split('\n').sort(byPath).join('\n'),
    )
    const id = await suite.ok(
      'commit',
      '-a',
      'us',
      '-m',
      'why',
      '-c',
      'EXPOSE 82',
      '-c',
      'WORKDIR /etc',
      'writer',
      'made:1',
    )
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    const [made] = JSON.parse(await suite.ok('image', 'inspect', 'made:1')) as [Record<string, unknown>]
    expect(made).toMatchObject({
      Id: id,
      Author: 'us',
      Comment: 'why',
      RepoTags: ['made:1'],
      Config: {
        Cmd: ['sh', '-c', script],
        Env: ['PATH=/bin', 'MADE=here'],
        ExposedPorts: { '81/tcp': {}, '82/tcp': {} },
        Labels: { kind: 'test', own: 'yes' },
        Volumes: { '/data': {} },
        WorkingDir: '/etc',
      },
    })
    const base = await suite.ok('image', 'inspect', '-f', '{{.Id}} {{.Parent}}.', image)
    expect(base).toBe(`${made['Parent'] as string} .`)
    expect(await run('made:1', 'sh', '-c', 'cat new; ls group 2>&1 | wc -l')).toBe('new\n1')
    expect(await run('made:1')).toBe('here')
    const history = await suite.ok(
      'history',
      '--format',
      '{{.CreatedBy}} {{.Comment}}',
      '--no-trunc',
      'made:1',
    )
    expect(history.split('\n')[0]).toBe(`sh -c ${script} why`)
    await suite.ok('rm', '-v', 'writer')
  })

  it('gives them to other tools whole', async () => {
    await suite.ok('run', '--name', 'other', '--network', 'none', image, 'sh', '-c', 'echo new >/etc/new')
    await suite.ok('commit', 'other', 'made:2')
    const archive = join(suite.folder, 'made.tar')
    await suite.ok('save', '-o', archive, 'made:2')
    const layout = join(suite.folder, 'layout')
    execFileSync('skopeo', ['--insecure-policy', 'copy', `docker-archive:${archive}`, `oci:${layout}:made`])
    const config = execFileSync('skopeo', ['inspect', '--config', `oci:${layout}:made`], { encoding: 'utf8' })
    const { rootfs } = JSON.parse(config) as { rootfs: { diff_ids: readonly string[] } }
    expect(rootfs.diff_ids).toHaveLength(2)
    await suite.ok('rm', 'other')
  })

  it('commits what runs, and pauses it only meanwhile', async () => {
    await suite.ok('run', '-d', '--name', 'runs', '--network', 'none', image, 'sleep', '1000')
    for (const flags of [[], ['--pause=false']]) await suite.ok('commit', ...flags, 'runs')
    expect(await suite.ok('inspect', '-f', '{{.State.Status}}', 'runs')).toBe('running')
    await suite.ok('rm', '-f', 'runs')
  })

  it('refuses changes that cannot be', async () => {
    await suite.ok('create', '--name', 'idle', '--network', 'none', image)
    const refused = await suite.docker('commit', '-c', 'RUN make', 'idle')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('RUN make') })
    expect(await suite.docker('commit', 'no-such')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such container: no-such'),
    })
    await suite.ok('rm', 'idle')
  })

  it('exports all files, and imports them', async () => {
    await suite.ok('run', '--name', 'whole', '--network', 'none', image, 'sh', '-c', 'echo kept >/kept')
    const archive = join(suite.folder, 'whole.tar')
    await suite.ok('export', '-o', archive, 'whole')
    const names = execFileSync('tar', ['tf', archive], { encoding: 'utf8' })
    expect(names).toMatch(/^(\.\/)?kept$/m)
    const id = await suite.ok(
      'import',
      '-m',
      'from tar',
      '-c',
      'CMD ["cat", "/kept"]',
      '-c',
      'ENV PATH=/bin',
      archive,
      'whole:1',
    )
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await run('whole:1')).toBe('kept')
    await suite.ok('rm', 'whole')
  })

  it('imports what GNU tar has packed, from standard input, and refuses rubbish', async () => {
    const tree = join(suite.folder, 'tree/etc')
    mkdirSync(tree, { recursive: true })
    writeFileSync(join(tree, 'a'), 'from gnu\n')
    const archive = join(suite.folder, 'tree.tar.gz')
    execFileSync('tar', ['czf', archive, '-C', join(suite.folder, 'tree'), '.'])
    const args = ['import', archive, 'tree:1'] as const
    expect(await suite.docker(...args)).toMatchObject({ code: 0 })
    expect(await suite.ok('images', '-q', 'tree')).toMatch(/^[0-9a-f]{12}$/)
    // of one layer: as large as the image
    const size = await suite.ok('image', 'inspect', '-f', '{{.Size}}', 'tree:1')
    expect(await suite.ok('history', '--human=false', '--format', '{{.Size}}', 'tree:1')).toBe(size)
    // as of a temporary folder: only root may come in, but into a container everybody may
    chmodSync(join(suite.folder, 'tree'), 0o700)
    mkdirSync(join(suite.folder, 'tree/bin'))
    copyFileSync('/usr/bin/busybox', join(suite.folder, 'tree/bin/cat'))
    execFileSync('tar', ['cf', archive, '-C', join(suite.folder, 'tree'), '.'])
    await suite.ok('import', archive, 'closed:1')
    const asOther = ['run', '--rm', '--network', 'none', '-u', '1000'] as const
    expect(await suite.ok(...asOther, 'closed:1', '/bin/cat', '/etc/a')).toBe('from gnu')
    const rubbish = await suite.feed(readFileSync(archive, 'latin1').slice(0, 50), 'import', '-', 'bad:1')
    expect(rubbish.code).toBe(1)
    expect(await suite.ok('images', '-q', 'bad')).toBe('')
  })

  it('tells everybody', async () => {
    const events = await suite.pastEvents('{{.Type}} {{.Action}}')
    for (const event of ['container commit', 'container export', 'image import'])
      expect(events).toContain(event)
  })
})

function byPath(a: string, b: string): number {
  return a.slice(2) < b.slice(2) ? -1 : 1
}
