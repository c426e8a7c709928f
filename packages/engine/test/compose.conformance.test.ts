import { beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { findCompose, installCompose } from './support/compose-plugin.js'
import { writeShop } from './support/compose-files.js'
import { needs, setUp } from './support/suite.js'

leakCheck()

findCompose()

describeOn([...needs, 'bin:docker-compose'], 'docker compose', () => {
  const suite = setUp()
  const compose = (...args: string[]): Promise<string> =>
    suite.ok('compose', '--progress', 'quiet', '--project-directory', `${suite.folder}/shop`, ...args)
  const page = async (n = 1): Promise<string> => {
    const address = (await compose('port', '--index', String(n), 'web', '80')).replace('0.0.0.0', '127.0.0.1')
    return (await (await fetch(`http://${address}/cgi-bin/page`)).text()).trim()
  }
  const running = async (): Promise<string> =>
    (await compose('ps', '--services')).split('\n').sort().join(' ')

  beforeAll(() => {
    writeShop(`${suite.folder}/shop`)
    installCompose(suite.socket)
  })

  it('brings an application of three services up, in the order of their dependencies', async () => {
    await compose('up', '-d')
    expect(await running()).toBe('cache database web')
    expect(await page()).toBe('hello: 1 rows, 1 hits')
    const times = '{{.State.StartedAt}} {{with .State.Health}}{{(index .Log 0).End}}{{end}}'
    const [, healthy] = (await suite.ok('inspect', '-f', times, 'shop-database-1')).split(' ')
    const [started] = (await suite.ok('inspect', '-f', times, 'shop-web-1')).split(' ')
    expect(Date.parse(started!)).toBeGreaterThan(Date.parse(healthy!))
    // again, with nothing to do
    const ids = await compose('ps', '-q')
    await compose('up', '-d')
    expect(await compose('ps', '-q')).toBe(ids)
  })

  it('lets in, tells, and runs what a profile has', async () => {
    expect(await compose('exec', '-T', 'web', 'sh', '-c', 'echo $GREETING')).toBe('hello')
    expect(await compose('--profile', 'tools', 'run', '--rm', '-T', 'report')).toBe('hello: 2 rows, 2 hits')
    expect(await compose('exec', '-T', 'database', 'sh', '-c', 'echo told >/proc/1/fd/1')).toBe('')
    expect(await compose('logs', '--no-log-prefix', 'database')).toContain('told')
    expect(await compose('top', 'cache')).toContain('httpd')
    expect((await suite.docker('compose', '-p', 'shop', 'ls')).stdout).toMatch(/shop +running\(3\)/)
  })

  it('scales, stops, starts, and keeps what is in volumes', async () => {
    await compose('up', '-d', '--scale', 'web=2')
    expect((await compose('ps', '-q', 'web')).split('\n')).toHaveLength(2)
    expect(await page(2)).toBe('hello: 3 rows, 3 hits')
    await compose('up', '-d', '--scale', 'web=1')
    await compose('stop')
    expect(await running()).toBe('')
    await compose('start')
    expect(await page()).toBe('hello: 4 rows, 1 hits')
    await compose('restart', 'cache')
    expect(await page()).toBe('hello: 5 rows, 1 hits')
    // recreated, with another environment
    await compose('up', '-d', '--force-recreate', 'web')
    expect(await page()).toBe('hello: 6 rows, 2 hits')
  })

  it('takes everything down', async () => {
    await compose('down', '-v', '--remove-orphans')
    const left = '--filter=label=com.docker.compose.project=shop'
    for (const what of ['container', 'network', 'volume'])
      expect(await suite.ok(what, 'ls', ...(what === 'container' ? ['-a'] : []), '-q', left)).toBe('')
  })
})
