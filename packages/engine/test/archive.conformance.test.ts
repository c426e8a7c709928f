import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { beforeAll, expect, it } from '@jest/globals'
import Docker from 'dockerode'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn([...needs, 'bin:tar'], 'docker cp', () => {
  const suite = setUp()
  const at = (path: string): string => join(suite.folder, path)
  const inside = (command: string): Promise<string> => suite.ok('exec', 'c1', 'sh', '-c', command)
  const stat = async (path: string): Promise<Record<string, unknown>> => {
    const answer = await call('HEAD', 'c1', `path=${encodeURIComponent(path)}`)
    return { status: answer.status, ...(JSON.parse(answer.stat) as object) }
  }
  const call = (
    method: string,
    container: string,
    query: string,
    body?: Readable | Buffer,
  ): Promise<{ readonly status: number; readonly stat: string; readonly body: string }> =>
    new Promise((resolve, reject) => {
      const path = `/containers/${container}/archive?${query}`
      const headers = { 'content-type': 'application/x-tar' }
      const sent = request({ socketPath: suite.socket, path, method, headers }, (answer) => {
        const header = answer.headers['x-docker-container-path-stat'] as string | undefined
        text(answer).then((got) => {
          resolve({
            status: answer.statusCode!,
            stat: Buffer.from(header ?? 'e30=', 'base64').toString(),
            body: got,
          })
        }, reject)
      })
      sent.on('error', reject)
      if (body instanceof Readable) body.pipe(sent)
      else sent.end(body)
    })

  beforeAll(async () => {
    mkdirSync(at('host/tree/sub'), { recursive: true })
    mkdirSync(at('bind'))
    writeFileSync(at('bind/there'), 'of the host')
    writeFileSync(at('host/tree/file'), 'content\n')
    chownSync(at('host/tree/file'), 1234, 4321)
    chmodSync(at('host/tree/file'), 0o4750)
    symlinkSync('/etc/passwd', at('host/tree/link'))
    symlinkSync('tree/file', at('host/tofile'))
    const volumes = ['-v', 'vol:/vol', '-v', `${at('bind')}:/bind`, '-v', `${at('bind')}:/ro:ro`]
    await suite.ok('run', '-d', '--name', 'c1', '--network', 'none', ...volumes, image, 'sleep', '1000')
    await inside(
      'mkdir -p /d/sub; echo hi >/d/f; ln -s /etc/passwd /d/abs; ln -s ../d/f /d/rel; ln -s /d/gone /d/dangling; ln -s sub /d/lsub; mkfifo /d/fifo; chown 1000:1000 /d/f; chmod 4711 /d/f; chmod 1777 /d/sub; ln -s sub/.. /d/up; ln -s loop /d/loop; mkdir /e; cp /d/f /e',
    )
  })

  it('tells what lies at a path exactly as Docker does', async () => {
    const folder = { status: 200, mode: 2147484141, linkTarget: '' }
    expect(await stat('/d')).toMatchObject({ ...folder, name: 'd' })
    expect(await stat('/d/.')).toMatchObject({ ...folder, name: '.' })
    expect(await stat('/')).toMatchObject({ ...folder, name: '/' })
    const f = { status: 200, name: 'f', size: 3, mode: 8389065, linkTarget: '' }
    expect(await stat('d/f')).toMatchObject(f)
    expect(await stat('/d/lsub/../f')).toMatchObject(f)
    expect(await stat('/d/abs')).toMatchObject({ size: 11, mode: 134218239, linkTarget: '/etc/passwd' })
    expect(await stat('/d/rel')).toMatchObject({ linkTarget: '/d/f' })
    expect(await stat('/d/up')).toMatchObject({ linkTarget: '/d' })
    expect(await stat('/d/dangling')).toMatchObject({ linkTarget: '/d/gone' })
    expect(await stat('/d/lsub/')).toMatchObject({ name: 'lsub', mode: 2148532735, linkTarget: '' })
    expect(await stat('/d/fifo')).toMatchObject({ mode: 33554852 })
    expect(await stat('/d/../../../etc/passwd')).toMatchObject({ name: 'passwd', mode: 420 })
    expect((await stat('/d/f'))['mtime']).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+(\.\d{1,9})?Z$/)
    expect(Object.keys(await stat('/d')).slice(1)).toEqual(['name', 'size', 'mode', 'mtime', 'linkTarget'])
  })

  it('refuses in the words of Docker', async () => {
    const answer = async (method: string, container: string, query: string): Promise<string> => {
      const { status, body } = await call(
        method,
        container,
        query,
        method === 'PUT' ? Buffer.alloc(1024) : undefined,
      )
      return `${status} ${(JSON.parse(body) as { readonly message: string }).message}`
    }
    expect(await answer('GET', 'c1', 'path=/nope')).toBe('404 Could not find the file /nope in container c1')
    expect(await answer('PUT', 'c1', 'path=/nope')).toBe('404 Could not find the file /nope in container c1')
    expect(await answer('GET', 'nonesuch', 'path=/')).toBe('404 No such container: nonesuch')
    expect(await answer('GET', 'c1', 'path=')).toBe('400 bad parameter: path cannot be empty')
    expect(await answer('PUT', 'c1', '')).toBe('400 bad parameter: path cannot be empty')
    expect(await answer('GET', 'c1', 'path=/d/loop')).toMatch(/^400 .*too many links/)
    expect(await answer('GET', 'c1', 'path=/d/f/')).toMatch(/^400 .*not a directory/)
    expect(await answer('PUT', 'c1', 'path=/etc/passwd')).toMatch(/^400 .*not a directory/)
    expect(await answer('PUT', 'c1', 'path=/ro')).toMatch(/^400 .*mounted volume is marked read-only/)
    const garbage = await call('PUT', 'c1', 'path=/tmp', Buffer.alloc(1024, 'x'))
    expect(garbage.status).toBe(400)
  })

  it('copies out: files, folders, their contents, links, and archives', async () => {
    await suite.ok('cp', 'c1:/d', at('out'))
    expect(readdirSync(at('out')).sort()).toEqual(
      ['abs', 'dangling', 'f', 'fifo', 'loop', 'lsub', 'rel', 'sub', 'up'].sort(),
    )
    expect(readlinkSync(at('out/abs'))).toBe('/etc/passwd')
    expect(lstatSync(at('out/sub')).mode & 0o7777).toBe(0o1777)
    mkdirSync(at('contents'))
    await suite.ok('cp', 'c1:/e/.', at('contents'))
    expect(readFileSync(at('contents/f'), 'utf8')).toBe('hi\n')
    await suite.ok('cp', 'c1:/d/f', at('renamed'))
    expect(readFileSync(at('renamed'), 'utf8')).toBe('hi\n')
    await suite.ok('cp', '-L', 'c1:/d/abs', at('followed'))
    expect(readFileSync(at('followed'), 'utf8')).toContain('root:x:0:0')
    const { stdout } = await suite.docker('cp', 'c1:/d/f', '-')
    const listed = execFileSync('tar', ['-tv', '--numeric-owner'], { input: stdout, encoding: 'utf8' })
    expect(listed).toMatch(/^-rws--x--x 1000\/1000 +3 .* f$/m)
    await suite.ok('cp', 'c1:/bind/there', at('there'))
    expect(readFileSync(at('there'), 'utf8')).toBe('of the host')
    // what only the running container has mounted does not show
    await suite.ok('cp', 'c1:/proc', at('proc'))
    expect(readdirSync(at('proc'))).toEqual([])
  })

  it('copies in: files, folders, their contents, links, and archives', async () => {
    await suite.ok('cp', at('host/tree'), 'c1:/in')
    expect(await inside('cat /in/file; readlink /in/link; stat -c "%u:%g %a" /in/file')).toBe(
      'content\n/etc/passwd\n1234:4321 4750',
    )
    await suite.ok('cp', at('host/tree'), 'c1:/in')
    expect(await inside('ls /in/tree')).toBe('file\nlink\nsub')
    await inside('mkdir /in2')
    await suite.ok('cp', `${at('host/tree')}/.`, 'c1:/in2')
    expect(await inside('ls /in2')).toBe('file\nlink\nsub')
    await suite.ok('cp', at('host/tree/file'), 'c1:/in2/other')
    expect(await inside('cat /in2/other')).toBe('content')
    await suite.ok('cp', '-L', at('host/tofile'), 'c1:/in2/followed')
    expect(await inside('cat /in2/followed')).toBe('content')
    await suite.ok('cp', at('host/tree/file'), 'c1:/d/lsub/through')
    expect(await inside('cat /d/sub/through')).toBe('content')
    const archive = execFileSync('tar', ['-C', at('host'), '-c', 'tree'])
    await suite.feed(archive.toString('latin1'), 'cp', '-', 'c1:/tmp')
    expect(await inside('cat /tmp/tree/file')).toBe('content')
    expect((await suite.docker('cp', at('host/tree'), 'c1:/d/f')).stderr).toContain('cannot copy directory')
    expect((await suite.docker('cp', at('host/tree'), 'c1:/no/where')).stderr).toContain(
      'Could not find the file /no in container c1',
    )
    expect((await suite.docker('cp', at('host/tree/file'), 'c1:/ro')).stderr).toContain(
      'mounted volume is marked read-only',
    )
  })

  it('copies into volumes and binds, of containers that run, have ended, or were never started', async () => {
    await suite.ok('cp', at('host/tree/file'), 'c1:/vol/f1')
    await suite.ok('cp', at('host/tree/file'), 'c1:/bind/f1')
    expect(readFileSync(at('bind/f1'), 'utf8')).toBe('content\n')
    await suite.ok(
      'create',
      '--name',
      'c2',
      '--network',
      'none',
      '-v',
      'vol:/deep/vol',
      image,
      'cat',
      '/etc/new',
    )
    await suite.ok('cp', 'c2:/deep/vol/f1', at('f1'))
    expect(readFileSync(at('f1'), 'utf8')).toBe('content\n')
    await suite.ok('cp', at('host/tree/file'), 'c2:/etc/new')
    await suite.ok('cp', at('host/tree/file'), 'c2:/deep/vol/f2')
    expect(await inside('cat /vol/f2')).toBe('content')
    expect(await suite.ok('start', '-a', 'c2')).toBe('content')
    await suite.ok('cp', at('host/tree'), 'c2:/etc/new2')
    await suite.ok('cp', 'c2:/etc/new2/file', at('new2'))
    expect(await suite.ok('start', '-a', 'c2')).toBe('content')
    expect(await suite.ok('diff', 'c2')).toMatch(/^A \/etc\/new$/m)
    await suite.ok('rm', 'c2')
  })

  it('gives what is copied with -a to the user of the container', async () => {
    await suite.ok('run', '-d', '--name', 'c3', '-u', 'app', '--network', 'none', image, 'sleep', '1000')
    await suite.ok('cp', '-a', at('host/tree/file'), 'c3:/tmp')
    expect(await suite.ok('exec', 'c3', 'stat', '-c', '%u:%g', '/tmp/file')).toBe('1000:1000')
    await suite.ok('rm', '-f', 'c3')
  })

  it('leaves read-only roots alone, but not their volumes', async () => {
    const flags = ['--read-only', '-v', 'vol:/vol', '--network', 'none']
    await suite.ok('run', '-d', '--name', 'c4', ...flags, image, 'sleep', '1000')
    for (const end of [false, true]) {
      if (end) await suite.ok('kill', 'c4')
      expect((await suite.docker('cp', at('host/tree/file'), 'c4:/tmp')).stderr).toContain(
        'container rootfs is marked read-only',
      )
      await suite.ok('cp', at('host/tree/file'), `c4:/vol/by-c4-${end}`)
    }
    expect(await inside('ls /vol')).toContain('by-c4-false\nby-c4-true')
    await suite.ok('rm', '-f', 'c4')
  })

  it('never lets a file and a folder make room for each other when asked so', async () => {
    const archive = execFileSync('tar', ['-C', at('host/tree'), '-c', 'file', '--transform', 's/file/sub/'])
    await inside('mkdir -p /kinds/sub; touch /kinds/tree')
    const kept = await call('PUT', 'c1', 'path=/kinds&noOverwriteDirNonDir=true', archive)
    expect(kept).toMatchObject({
      status: 400,
      body: expect.stringContaining('cannot overwrite directory sub'),
    })
    const tree = execFileSync('tar', ['-C', at('host'), '-c', 'tree'])
    const other = await call('PUT', 'c1', 'path=/kinds&noOverwriteDirNonDir=true', tree)
    expect(other.body).toContain('cannot overwrite non-directory tree')
    expect((await call('PUT', 'c1', 'path=/kinds', archive)).status).toBe(200)
    expect(await inside('stat -c %F /kinds/sub')).toBe('regular file')
  })

  it('works with dockerode', async () => {
    const container = new Docker({ socketPath: suite.socket }).getContainer('c1')
    const info = (await container.infoArchive({ path: '/d/f' })) as unknown as { readonly headers?: object }
    expect(JSON.stringify(info.headers ?? info)).toContain('path-stat')
    await container
      .putArchive(execFileSync('tar', ['-C', at('host'), '-c', 'tree']), { path: '/srv-not-there' })
      .then(
        () => {
          throw new Error('it must not succeed')
        },
        (error: unknown) => {
          expect((error as { readonly statusCode?: number }).statusCode).toBe(404)
        },
      )
    await inside('mkdir /node')
    await container.putArchive(execFileSync('tar', ['-C', at('host'), '-c', 'tree']), { path: '/node' })
    const tar = await buffer(await container.getArchive({ path: '/node/tree/file' }))
    expect(tar.toString('latin1')).toContain('content\n')
  })

  it('has events of both ways', async () => {
    const events = await suite.pastEvents('{{.Action}}')
    expect(events).toEqual(expect.arrayContaining(['archive-path', 'extract-to-dir']))
  })

  it('leads no link out of the container, whatever it exchanges meanwhile (CVE-2018-15664)', async () => {
    mkdirSync(at('outside'))
    writeFileSync(at('outside/file'), 'SECRET of the host')
    // seen from the host the link leads to it, and from within to nothing
    const up = '../'.repeat(40)
    await inside(`mkdir -p /race/way; echo inside >/race/way/file; ln -s ${up}${at('outside')} /race/link`)
    const swap = 'cd /race; while :; do mv way f; mv link way; mv way link; mv f way; done'
    await suite.ok('exec', '-d', 'c1', 'sh', '-c', swap)
    const archive = execFileSync('tar', ['-C', at('host/tree'), '-c', 'file'])
    const seen = new Set<string>()
    for (let n = 0; n < 100; n++) {
      const got = await call('GET', 'c1', `path=/race/way/${n % 2 === 0 ? 'file' : ''}`)
      expect(got.body).not.toContain('SECRET')
      seen.add(`GET ${got.status}`)
      seen.add(`PUT ${(await call('PUT', 'c1', 'path=/race/way', archive)).status}`)
    }
    expect([...seen]).toEqual(expect.arrayContaining(['GET 200', 'GET 404', 'PUT 200']))
    expect(readdirSync(at('outside'))).toEqual(['file'])
    expect(readFileSync(at('outside/file'), 'utf8')).toBe('SECRET of the host')
  })

  it('loads and opens nothing of a container but what is copied (CVE-2019-14271)', async () => {
    // whoever opens one of these waits for ever, as whoever looks up names in the container would
    const traps = 'passwd group nsswitch.conf ld.so.cache ld.so.preload localtime'
    const libraries = 'libnss_files.so.2 libc.so.6 ld-linux-x86-64.so.2'
    await suite.ok('run', '-d', '--name', 'trap', '--network', 'none', image, 'sleep', '1000')
    const make = `mkdir -p /lib64 /lib/x86_64-linux-gnu; rm -f /etc/passwd /etc/group
      for f in ${traps}; do mkfifo /etc/$f; done
      for f in ${libraries}; do mkfifo /lib64/$f /lib/x86_64-linux-gnu/$f; done; echo x >/x`
    await suite.ok('exec', 'trap', 'sh', '-c', make)
    const before = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .filter((line) => line.includes('trap'))
    await suite.ok('cp', 'trap:/x', at('untrapped'))
    await suite.ok('cp', '-a', at('host/tree'), 'trap:/tmp')
    await suite.ok('cp', 'trap:/etc', at('etc'))
    expect(lstatSync(at('etc/passwd')).isFIFO()).toBe(true)
    expect(
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('trap')),
    ).toEqual(before)
    await suite.ok('rm', '-f', 'trap')
  })

  it('goes on when a client goes away, and starts the container afterwards', async () => {
    await suite.ok('create', '--name', 'c5', '--network', 'none', image, 'cat', '/etc/passwd')
    const path = '/containers/c5/archive?path=/tmp'
    const sent = request({
      socketPath: suite.socket,
      path,
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
    })
    sent.on('error', () => undefined)
    sent.write(execFileSync('tar', ['-C', at('host'), '-c', 'tree']).subarray(0, 1024))
    const starting = suite.ok('start', '-a', 'c5') // waits for the upload
    sent.destroy()
    expect(await starting).toContain('root:x:0:0')
    const unread = request({ socketPath: suite.socket, path: '/containers/c1/archive?path=/bin' })
    unread.on('response', (answer) => {
      answer.once('readable', () => unread.destroy())
    })
    unread.on('error', () => undefined).end()
    await new Promise((resolve) => unread.once('close', resolve))
    // a client that never reads keeps nobody from anything
    const stalled = request({ socketPath: suite.socket, path: '/containers/c5/archive?path=/' }).end()
    await new Promise((resolve) => stalled.once('response', resolve))
    expect(await suite.ok('start', '-a', 'c5')).toContain('root:x:0:0')
    await suite.ok('rm', 'c5')
    stalled.on('error', () => undefined).destroy()
  })

  it('answers before it has read an upload that is refused', async () => {
    const endless = Readable.from(
      (function* () {
        yield Buffer.alloc(512, 'x')
        for (let n = 0; n < 2000; n++) yield Buffer.alloc(65536)
      })(),
    )
    expect(await call('PUT', 'c1', 'path=/tmp', endless)).toMatchObject({ status: 400 })
  })
})
