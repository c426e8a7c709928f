import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { apiRoutes } from './support/api-routes.js'
import { callApi, type Answer, type Asked } from './support/call-api.js'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'the API of Engine', () => {
  const suite = setUp()

  const call = (...asked: Asked): Promise<Answer> => callApi(suite.socket, ...asked)
  const message = (answer: Answer): string => (JSON.parse(answer.body) as { message: string }).message

  it('is pinged, on a socket for root and its group', async () => {
    expect(await call('GET', '/_ping')).toMatchObject({
      status: 200,
      body: 'OK',
      headers: { 'api-version': '1.51', ostype: 'linux', swarm: 'inactive' },
    })
    expect(await call('HEAD', '/_ping')).toMatchObject({ status: 200, body: '' })
    expect(statSync(suite.socket).mode & 0o777).toBe(0o660)
  })

  it('serves one platform of an image, and never takes all of it for one', async () => {
    const of = (path: string, architecture: string): string =>
      `${path}?platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture }))}`
    const own = process.arch === 'x64' ? 'amd64' : process.arch
    for (const path of ['json', 'history', 'get']) {
      expect((await call('GET', of(`/images/${image}/${path}`, own))).status).toBe(200)
      expect((await call('GET', of(`/images/${image}/${path}`, 's390x'))).status).toBe(404)
    }
    expect((await call('GET', `/images/${image}/json?platform=linux/amd64`)).status).toBe(400)
    expect((await call('DELETE', `/images/${image}?platforms=%5B%22linux/amd64%22%5D`)).status).toBe(400)
    const removed = of(`/images/${image}`, 's390x').replace('platform=', 'platforms=')
    expect((await call('DELETE', removed)).status).toBe(404)
    expect((await call('POST', `${of('/images/load', own)}&platform=%7B%7D`)).status).toBe(400)
  })

  it('speaks versions 1.24 to 1.51', async () => {
    for (const version of ['1.24', '1.44', '1.51'])
      expect((await call('GET', `/v${version}/version`)).status).toBe(200)
    const old = await call('GET', '/v1.23/version')
    expect([old.status, message(old)]).toEqual([
      400,
      expect.stringContaining('client version 1.23 is too old'),
    ])
    const young = await call('GET', '/v1.99/containers/json')
    expect([young.status, message(young)]).toEqual([
      400,
      expect.stringContaining('client version 1.99 is too new'),
    ])
  })

  it.each([
    ['GET', '/no/such/thing', undefined, 404, 'page not found'],
    ['POST', '/containers/create', '{"Image":', 400, 'invalid JSON'],
    ['POST', '/containers/create', '{}', 400, 'Image'],
    ['POST', '/containers/create', '{"Image":5}', 400, 'invalid value of Image'],
    ['POST', '/containers/create', '{"Image":"bb:1","HostConfig":{"Memory":"1g"}}', 400, 'HostConfig.Memory'],
    [
      'POST',
      '/containers/create',
      '{"Image":"bb:1","HostConfig":{"Devices":[{}]}}',
      400,
      'HostConfig.Devices',
    ],
    ['POST', '/containers/create', '{"Image":"bb:1","HostConfig":{"Binds":["/:/"]}}', 400, 'use rootfs'],
    ['POST', '/containers/create?name=a%2Fb', '{"Image":"bb:1"}', 400, 'Invalid container name'],
    ['POST', '/containers/create', '{"Image":"none:1"}', 404, 'No such image: none:1'],
    ['POST', '/containers/create', '['.repeat(100) + ']'.repeat(100), 400, 'more than 64 levels'],
    ['GET', '/containers/none/json', undefined, 404, 'No such container: none'],
    ['GET', '/containers/json?filters=x', undefined, 400, 'invalid filters'],
    ['GET', '/containers/json?limit=x', undefined, 400, 'invalid value of limit'],
    ['GET', '/images/no/such/json', undefined, 404, 'No such image: no/such'],
    ['GET', '/volumes/none', undefined, 404, 'no such volume'],
    ['GET', '/networks/none', undefined, 404, 'network none-such not found'],
    ['POST', '/exec/none/start', '{}', 404, 'No such exec instance'],
    ['GET', '/swarm', undefined, 503, 'not a swarm manager'],
    ['POST', '/swarm/leave', undefined, 503, 'not part of a swarm'],
    ['POST', '/swarm/init', '{}', 501, 'there are no swarms here'],
    ['POST', '/volumes/create', '{"ClusterVolumeSpec":{}}', 503, 'not a swarm manager'],
    ['PUT', '/volumes/none?version=1', '{}', 503, 'volume update only valid for cluster volumes'],
    ['GET', '/containers/none/checkpoints', undefined, 501, 'checkpoints are not supported'],
    ['POST', '/build', undefined, 501, 'building images is not supported'],
    ['GET', '/events?since=yesterday', undefined, 400, 'invalid value of since'],
  ])('%s %s %s: %i %s', async (method, path, body, status, expected) => {
    const answer = await call(method, path === '/networks/none' ? '/networks/none-such' : path, body)
    expect([answer.status, message(answer)]).toEqual([status, expect.stringContaining(expected)])
  })

  it.each(apiRoutes)('has a route for %s', async (route) => {
    const [method = '', path = ''] = route.split(' ')
    const { status, body } = await call(method, path, ['GET', 'HEAD'].includes(method) ? undefined : '{}')
    expect([status, body]).not.toEqual([404, expect.stringContaining('page not found')])
  })

  it('refuses what is too large, and goes on', async () => {
    const large = await call('POST', '/containers/create', `{"Image":"${'x'.repeat(5_000_000)}"}`).catch(
      () => undefined,
    )
    if (large !== undefined) expect(large.status).toBe(413)
    const headers = await call('GET', '/_ping', undefined, { 'X-Large': 'x'.repeat(100_000) })
    expect(headers.status).toBe(431)
    expect((await call('GET', '/_ping')).status).toBe(200)
  })

  it('survives connections that are cut and upgrades that make no sense', async () => {
    const raw = async (bytes: string): Promise<string> => {
      const socket = connect(suite.socket)
      socket.on('error', () => undefined)
      socket.end(bytes)
      return await text(socket).catch(() => 'cut')
    }
    const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n'
    await raw(`POST /exec/x/start HTTP/1.1\r\n${upgrade}Content-Length: 999999999\r\n\r\n`)
    await raw(`POST /exec/x/start HTTP/1.1\r\n${upgrade}Content-Length: 10\r\n\r\n{`)
    await raw(`POST /exec/x/start HTTP/1.1\r\n${upgrade}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)
    expect(await raw(`POST /containers/x/attach HTTP/1.1\r\n${upgrade}\r\n`)).toMatch(/^HTTP\/1\.1 404/)
    expect(await raw(`GET /_ping HTTP/1.1\r\n${upgrade.replace('tcp', 'websocket')}\r\n`)).toMatch(
      /^HTTP\/1\.1 200/,
    )
    await raw('\0\0\0')
    expect((await call('GET', '/_ping')).status).toBe(200)
  })

  it('answers names with percent signs, and JSON in the place of an archive, as mistakes of the client', async () => {
    for (const [method, path, status] of [
      ['GET', '/plugins/%25/json', 404],
      ['GET', '/images/%25/json', 400],
      ['DELETE', '/images/%25', 400],
      ['POST', '/images/%25/tag?repo=x', 400],
      ['GET', '/distribution/%25/json', 400],
    ] as const)
      expect([path, (await call(method, path)).status]).toEqual([path, status])
    await suite.ok('create', '--name', 'json', image, 'true')
    for (const [method, path] of [
      ['POST', '/images/load'],
      ['POST', '/images/create?fromSrc=-'],
      ['PUT', '/containers/json/archive?path=/'],
    ] as const) {
      const answer = await call(method, path, '{}')
      expect([path, answer.status, message(answer)]).toEqual([path, 400, expect.stringContaining('archive')])
    }
    await suite.ok('rm', 'json')
  })

  it('tells what it is', async () => {
    expect(await suite.ok('version', '-f', '{{.Server.Version}} {{.Server.MinAPIVersion}}')).toBe(
      '0.1.0 1.24',
    )
    expect(
      await suite.ok('info', '-f', '{{.Driver}} {{.DefaultRuntime}} {{.LiveRestoreEnabled}} {{.Images}}'),
    ).toBe('overlay2 ctr true 1')
    expect(await suite.ok('info')).toContain('Cgroup Driver: cgroupfs')
  })

  it('prunes what a builder keeps: nothing', async () => {
    const answer = await call('POST', '/build/prune?filters={"until":{"24h":true}}')
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { CachesDeleted: [], SpaceReclaimed: 0 }])
    expect((await call('POST', '/build/prune?filters=x')).status).toBe(400)
    expect(await suite.ok('system', 'prune', '-f')).toContain('Total reclaimed space')
  })

  it('tells of events in order, with what they are about', async () => {
    const since = String(Math.floor(Date.now() / 1000))
    await suite.ok('run', '--rm', '--name', 'told', '--label', 'a=b', '--network', 'none', image, 'true')
    const until = String(Math.ceil(Date.now() / 1000))
    const lines = await suite.ok(
      'events',
      '--since',
      since,
      '--until',
      until,
      '--filter',
      'container=told',
      '--format',
      '{{json .}}',
    )
    const events = lines
      .split('\n')
      .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: object } })
    expect(events.map(({ Action }) => Action)).toEqual(['create', 'attach', 'start', 'die', 'destroy'])
    expect(events[3]!.Actor.Attributes).toMatchObject({ name: 'told', image, a: 'b', exitCode: '0' })
  })

  it('tells of networks and volumes that a container uses, and of its labels, those of the image too', async () => {
    await suite.ok('network', 'create', 'heard')
    await suite.ok('run', '--rm', '--name', 'uses', '--network', 'heard', '-v', '/v', image, 'true')
    let events: readonly string[] = []
    while (!events.some((line) => line.startsWith('container destroy uses')))
      events = await suite.pastEvents(
        '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.kind}}',
      )
    expect(events.slice(events.findIndex((line) => line.startsWith('network create heard')))).toEqual([
      'network create heard <no value>',
      'volume create <no value> <no value>',
      'container create uses test',
      'container attach uses test',
      'volume mount <no value> <no value>',
      'network connect heard <no value>',
      'container start uses test',
      'volume unmount <no value> <no value>',
      'network disconnect heard <no value>',
      'container die uses test',
      'volume destroy <no value> <no value>',
      'container destroy uses test',
    ])
    await suite.ok('network', 'rm', 'heard')
  })

  it('tells of the end of each program that exec has started, whoever is there to see it', async () => {
    await suite.ok('run', '-d', '--name', 'execs', '--network', 'none', image, 'sleep', '100')
    expect((await suite.docker('exec', 'execs', 'sh', '-c', 'exit 3')).code).toBe(3)
    await suite.ok('exec', '-d', 'execs', 'sh', '-c', 'exit 4')
    expect((await suite.docker('exec', 'execs', 'nosuch')).code).toBe(127)
    let ends: readonly string[] = []
    while (ends.length < 2) {
      const events = await suite.pastEvents('{{.Action}} {{.Actor.Attributes.exitCode}}')
      ends = events.filter((line) => line.startsWith('exec_die'))
    }
    expect(ends).toEqual(['exec_die 3', 'exec_die 4'])
    await suite.ok('rm', '-f', 'execs')
  })
})
