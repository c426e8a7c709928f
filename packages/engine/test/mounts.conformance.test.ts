import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { MNT_DETACH, mount, MS_PRIVATE, MS_SHARED, umount2 } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'mounts of docker run', () => {
  // before the folder goes away
  afterAll(() => {
    for (const name of ['shared', 'alone']) umount2(`${suite.folder}/${name}`, MNT_DETACH)
  })
  const suite = setUp()
  const bind = (spread: string): string => `${suite.folder}/shared:/mnt:${spread}`

  beforeAll(() => {
    for (const name of ['shared', 'alone']) {
      const folder = `${suite.folder}/${name}`
      mkdirSync(folder)
      mount('tmpfs', folder, 'tmpfs', 0)
      mount(null, folder, null, name === 'shared' ? MS_SHARED : MS_PRIVATE)
      mkdirSync(`${folder}/sub`)
    }
  })
  it('lets what the host mounts later come in, where that was asked for', async () => {
    for (const [name, spread] of Object.entries({ in: 'rslave', both: 'rshared', out: 'rprivate' }))
      await suite.ok('run', '-d', '--name', name, '-v', bind(spread), image, 'sleep', '1000')
    const inside = `${suite.folder}/shared/sub`
    mount('tmpfs', inside, 'tmpfs', 0)
    writeFileSync(`${inside}/file`, 'seen')
    const seen = (name: string) => suite.docker('exec', name, 'cat', '/mnt/sub/file')
    expect(await seen('in')).toMatchObject({ code: 0, stdout: 'seen' })
    expect(await seen('both')).toMatchObject({ code: 0, stdout: 'seen' })
    expect(await seen('out')).toMatchObject({ code: 1 })
    umount2(inside)
    const spread = '{{range .Mounts}}{{.Propagation}}{{end}}'
    expect(await suite.ok('inspect', '-f', spread, 'in', 'both', 'out')).toBe('rslave\nrshared\nrprivate')
    await suite.ok('rm', '-f', 'in', 'both', 'out')
  })

  it('lets what a container mounts come out with rshared alone', async () => {
    const script = 'mount -t tmpfs none /mnt/sub && echo made >/mnt/sub/file'
    for (const [spread, there] of [
      ['rshared', 'made\n'],
      ['rslave', ''],
    ] as const) {
      await suite.ok('run', '--rm', '--privileged', '-v', bind(spread), image, 'sh', '-c', script)
      const found = `${suite.folder}/shared/sub`
      const file = await suite.docker('run', '--rm', '-v', `${found}:/x`, image, 'sh', '-c', 'cat /x/*')
      expect(file.stdout).toBe(there)
      if (there !== '') umount2(found)
    }
  })

  it('refuses to share what is not shared on the host, and words that mean nothing', async () => {
    const source = `${suite.folder}/alone`
    const refused = await suite.docker('run', '--rm', '-v', `${source}:/mnt:rshared`, image, 'true')
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('is not shared') })
    const mounted = `type=bind,src=${source},dst=/mnt,bind-propagation=rslave`
    expect(await suite.docker('run', '--rm', '--mount', mounted, image, 'true')).toMatchObject({ code: 125 })
  })

  const part = (subpath: string): string => `type=volume,src=parts,dst=/part,volume-subpath=${subpath}`

  beforeAll(async () => {
    const made =
      'mkdir -p a/b && echo deep >a/b/file && ln -s /etc out && ln -s ../../../.. up && ln -s a/b way'
    await suite.ok('run', '--rm', '-v', 'parts:/v', '-w', '/v', image, 'sh', '-c', made)
  })

  it('mounts a folder or a file of a volume', async () => {
    const run = (subpath: string, ...command: string[]): Promise<string> =>
      suite.ok('run', '--rm', '--mount', part(subpath), image, ...command)
    expect(await run('a/b', 'ls', '/part')).toBe('file')
    expect(await run('a/b/file', 'cat', '/part')).toBe('deep')
    expect(await run('way', 'cat', '/part/file')).toBe('deep')
    // links end inside: all of the volume, and nothing that is not in it
    expect(await run('up', 'ls', '/part')).toBe('a\nout\nup\nway')
    const away = await suite.docker('run', '--rm', '--mount', part('out'), image, 'true')
    expect(away).toMatchObject({ code: 125, stderr: expect.stringContaining('it is not in there') })
    const above = await suite.docker('run', '--rm', '--mount', part('../x'), image, 'true')
    expect(above).toMatchObject({ code: 125, stderr: expect.stringContaining('without') })
  })

  it('finds it at every start, and when files are copied', async () => {
    await suite.ok('create', '--name', 'later', '--mount', part('made/later'), image, 'ls', '/part')
    expect(await suite.docker('start', '-a', 'later')).toMatchObject({ code: 1 })
    await suite.ok(
      'run',
      '--rm',
      '-v',
      'parts:/v',
      image,
      'sh',
      '-c',
      'mkdir -p /v/made/later; touch /v/made/later/x',
    )
    expect(await suite.ok('start', '-a', 'later')).toBe('x')
    writeFileSync(`${suite.folder}/copied`, 'copied')
    await suite.ok('cp', `${suite.folder}/copied`, 'later:/part/copied')
    expect(await suite.ok('run', '--rm', '-v', 'parts:/v', image, 'cat', '/v/made/later/copied')).toBe(
      'copied',
    )
    await suite.ok('rm', 'later')
    await suite.ok('volume', 'rm', 'parts')
  })

  it('makes volumes of mounts, which are there while somebody uses them', async () => {
    const make = (name: string, ...options: string[]) =>
      suite.docker('volume', 'create', ...options.flatMap((option) => ['-o', option]), name)
    const run = (...args: string[]): Promise<string> => suite.ok('run', '--rm', ...args)
    const folder = `${suite.folder}/bound`
    mkdirSync(folder)
    writeFileSync(`${folder}/file`, 'kept')
    expect(await make('bound', 'type=none', 'o=bind,ro', `device=${folder}`)).toMatchObject({ code: 0 })
    expect(await make('memory', 'type=tmpfs', 'o=size=64k,mode=1770', 'device=tmpfs')).toMatchObject({
      code: 0,
    })
    const write = 'cat /v/file; touch /v/new 2>&1 | grep -o "Read-only"'
    expect(await run('-v', 'bound:/v', image, 'sh', '-c', write)).toBe('keptRead-only')
    // one file system in memory, for all who use it
    await suite.ok('run', '-d', '--init', '--name', 'holds', '-v', 'memory:/v', image, 'sleep', '1000')
    await suite.ok('exec', 'holds', 'sh', '-c', 'echo told >/v/note')
    const seen = 'cat /v/note; df -k /v | tail -1 | tr -s " " | cut -d" " -f2; stat -c %a /v'
    expect(await run('-v', 'memory:/v', image, 'sh', '-c', seen)).toBe('told\n64\n1770')
    expect(await suite.ok('volume', 'inspect', '-f', '{{json .Options}}', 'memory')).toBe(
      '{"device":"tmpfs","o":"size=64k,mode=1770","type":"tmpfs"}',
    )
    await suite.ok('rm', '-f', 'holds')
    expect(await run('-v', 'memory:/v', image, 'ls', '/v')).toBe('')
    await suite.ok('volume', 'rm', 'bound', 'memory')
    expect(readFileSync(`${folder}/file`, 'utf8')).toBe('kept')
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(`${suite.folder}/root/volumes`)
  })

  it('makes volumes of --mount as it says, and nothing twice at one place', async () => {
    const run = (...args: string[]) => suite.docker('run', '--rm', ...args)
    const options = 'volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=64k'
    const mount = `type=volume,src=said,dst=/v,volume-label=a=b,${options}`
    const seen = 'df -k /v | tail -1 | tr -s " " | cut -d" " -f2'
    expect(await run('--mount', mount, image, 'sh', '-c', seen)).toMatchObject({ code: 0, stdout: '64\n' })
    expect(await suite.ok('volume', 'inspect', '-f', '{{json .Labels}} {{.Options.o}}', 'said')).toBe(
      '{"a":"b"} size=64k',
    )
    await suite.ok('volume', 'rm', 'said')
    expect(await run('--mount', `type=volume,dst=/v,${options}`, image, 'sh', '-c', seen)).toMatchObject({
      stdout: '64\n',
    })
    expect(await suite.ok('volume', 'ls', '-q')).not.toMatch(/[0-9a-f]{64}/)
    expect(await run('--mount', 'type=volume,dst=/v,volume-driver=other', image, 'true')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('plugin "other" not found'),
    })
    expect(await run('-v', 'one:/v', '--tmpfs', '/v', image, 'true')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('Duplicate mount point: /v'),
    })
    const missing = await run('--volumes-from', 'no-such', image, 'true')
    expect(missing).toMatchObject({ code: 125, stderr: expect.not.stringContaining('Unable to find image') })
  })

  it('refuses volumes of what it cannot mount', async () => {
    const make = (...options: string[]) =>
      suite.docker('volume', 'create', ...options.flatMap((option) => ['-o', option]), 'never')
    for (const [options, said] of [
      [['type=nfs', 'o=addr=10.0.0.1,rw', 'device=:/data'], 'its type is "nfs"'],
      [['type=none', 'o=bind', 'device=relative'], 'no absolute path'],
      [['type=none', 'o=bind,size=1', 'device=/tmp'], 'a bind has no option'],
      [['type=tmpfs'], 'missing required option: "device"'],
      [['sort=tmpfs'], 'invalid option: "sort"'],
    ] as const)
      expect(await make(...options)).toMatchObject({ code: 1, stderr: expect.stringContaining(said) })
    await make('type=none', 'o=bind', `device=${suite.folder}/missing`)
    const failed = await suite.docker('run', '--rm', '-v', 'never:/v', image, 'true')
    expect(failed).toMatchObject({ code: 125, stderr: expect.stringContaining('missing') })
    await suite.ok('volume', 'rm', 'never')
  })
})
