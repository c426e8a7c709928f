import { beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, type Need } from '@ctr/testing'
import { findCompose, installCompose } from './support/compose-plugin.js'
import { writeSite } from './support/compose-site.js'
import { addDebianImages, postgres } from './support/debian-images.js'
import { needs, setUp } from './support/suite.js'

leakCheck()
findCompose()
process.env['PATH'] = `${process.env['PATH'] ?? ''}:${postgres}/bin`

const programs: readonly Need[] = ['bin:docker-compose', 'bin:nginx', 'bin:postgres', 'bin:redis-server']

describeOn([...needs, ...programs], 'docker compose with nginx, PostgreSQL and Redis of Debian', () => {
  const suite = setUp()
  const compose = (...args: string[]): Promise<string> =>
    suite.ok('compose', '--progress', 'quiet', '--project-directory', `${suite.folder}/site`, ...args)
  const up = (...args: string[]): Promise<string> => compose('up', '-d', '--wait', ...args)
  const query = (sql: string): Promise<string> =>
    compose('--profile', 'tools', 'run', '--rm', '-T', 'client', 'psql', '-qtAc', sql)
  const redis = (...words: string[]): Promise<string> =>
    compose('exec', '-T', 'cache', 'redis-cli', '-h', 'cache', ...words)
  const page = async (n: number): Promise<Response> => {
    const address = await compose('port', '--index', String(n), 'web', '80')
    return await fetch(`http://${address.replace('0.0.0.0', '127.0.0.1')}/`)
  }

  beforeAll(async () => {
    writeSite(`${suite.folder}/site`)
    installCompose(suite.socket)
    await addDebianImages(suite.engine.runtime)
  }, 300_000)

  it('brings all of it up, and waits until it is healthy', async () => {
    await up()
    const states = await compose('ps', '--format', '{{.Service}} {{.Health}}')
    expect(states.split('\n').sort()).toEqual(['cache healthy', 'database healthy', 'web healthy'])
    expect(await (await page(1)).text()).toBe('a page')
    expect(await compose('logs', '--no-log-prefix', 'web')).toContain('GET / HTTP/1.1')
  })

  it('keeps rows and counts hits over the network of the application', async () => {
    await query('create table hits (id serial, at timestamptz default now())')
    expect(await query('insert into hits default values returning id')).toBe('1')
    expect(await query('insert into hits default values returning id')).toBe('2')
    expect(await redis('incr', 'hits')).toBe('1')
    expect(await redis('incr', 'hits')).toBe('2')
    // the network of the database has no way out
    const out = await suite.docker('exec', 'site-cache-1', 'wget', '-T', '1', '-qO-', 'http://10.255.255.1/')
    expect(out.code).not.toBe(0)
  })

  it('scales the web server, each behind a port of its own', async () => {
    await up('--scale', 'web=3')
    const names = await Promise.all([1, 2, 3].map(async (n) => (await page(n)).headers.get('x-server')))
    expect(new Set(names).size).toBe(3)
    await up('--scale', 'web=1')
    expect((await compose('ps', '-q', 'web')).split('\n')).toHaveLength(1)
  })

  it('has its rows again after it was taken down, until its volumes go too', async () => {
    await compose('down')
    await up()
    expect(await query('select count(*) from hits')).toBe('2')
    expect(await redis('get', 'hits')).toBe('')
    await compose('down', '-v', '-t', '5')
    for (const what of ['network', 'volume'])
      expect(await suite.ok(what, 'ls', '-q', '--filter=label=com.docker.compose.project=site')).toBe('')
    expect(await suite.ok('ps', '-aq')).toBe('')
  })
})
