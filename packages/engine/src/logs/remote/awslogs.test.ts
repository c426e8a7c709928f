import { createServer } from 'node:http'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { CloudWatch, keys } from '../../../test/support/cloudwatch.js'
import { batch, errors, open, time, undo, until } from '../../../test/support/collectors.js'
import { setEnv } from '../../../test/support/set-env.js'
import { containerCredentials } from './aws-machine.js'
import { awslogs } from './awslogs.js'

describe('awslogs', () => {
  const group = 'group'
  const container = 'a'.repeat(64)
  const at = Date.parse(time)
  let service: CloudWatch

  beforeEach(async () => {
    service = await CloudWatch.start()
    setEnv({ AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_REGION: undefined })
  })

  const config = (more: Record<string, string> = {}): Record<string, string> => ({
    'awslogs-group': group,
    'awslogs-region': 'eu-central-1',
    'awslogs-endpoint': service.endpoint,
    'awslogs-force-flush-interval-seconds': '1',
    ...more,
  })
  const messages = (stream = container): string[] =>
    service.events(group, stream).map(({ message }) => message)

  it('makes group and stream, and puts events with their times, gathered', async () => {
    const sink = open('awslogs', config({ 'awslogs-create-group': 'true' }))
    void sink.write(batch('one\n\n'))
    void sink.write(batch('two\n', { stream: 'stderr' }))
    void sink.write(batch('grün\n'))
    await until(() => messages().length > 0)
    expect(service.calls).toEqual([
      ...['CreateLogStream', 'CreateLogGroup', 'CreateLogStream', 'PutLogEvents 3'],
    ])
    expect(service.events(group, container)).toEqual(
      ['one', 'two', 'grün'].map((message) => ({ message, timestamp: at })),
    )
    expect(service.headers[0]).toMatchObject({
      'user-agent': expect.stringContaining('ctr-engine/') as unknown,
    })
    expect(service.headers[0]).not.toHaveProperty('x-amzn-logs-format')
  })

  it('goes on with a stream that is there, tries again when it is throttled, and sends what waits at the end', async () => {
    service.groups.set(group, new Map([['web', []]]))
    service.throttled = 2
    const sink = open(
      'awslogs',
      config({
        tag: '{{.Name}}',
        'awslogs-format': 'json/emf',
        'awslogs-force-flush-interval-seconds': '600',
      }),
    )
    void sink.write(batch('{"_aws":{}}\n'))
    await sink.end()
    await until(() => messages('web').length > 0)
    expect(service.calls.filter((call) => call === 'CreateLogStream')).toHaveLength(3)
    expect(service.headers.at(-1)).toMatchObject({ 'x-amzn-logs-format': 'json/emf' })
    service.groups.get(group)!.clear() // somebody deletes the stream
    void sink.write(batch('again\n'))
    await sink.end()
    await until(() => messages('web').length > 0)
    expect(errors.splice(0).map(String)).toEqual([
      'Error: cannot send logs to CloudWatch Logs, group/web: they wait, and are lost when too many do',
    ])
  })

  it('holds the limits of a request, in the order of time, across a clock that was set', async () => {
    service.groups.set(group, new Map())
    const sink = open('awslogs', config({ 'awslogs-stream': 's', 'awslogs-max-buffered-events': '100000' }))
    const late = new Date(at + 48 * 3600_000).toISOString()
    void sink.write(batch('tomorrow\n', { time: late }))
    const short = Array.from({ length: 12_000 }, (_, n) => `${n}\n`).join('')
    void sink.write(batch(short))
    const long = 'x'.repeat(16 * 1024)
    for (let n = 0; n < 100; n++) await sink.write(batch(`${long}\n`))
    await sink.end()
    await until(() => messages('s').length === 12_101)
    // what came first is of the day after, and so in a request of its own
    expect(service.calls.slice(0, 3)).toEqual(['CreateLogStream', 'PutLogEvents 9999', 'PutLogEvents 1'])
    expect(messages('s').filter((text) => text.length < 10 && text !== 'tomorrow')).toEqual(
      short.trim().split('\n'),
    )
  })

  it('puts lines together that belong together, and pieces of long lines', async () => {
    service.groups.set(group, new Map())
    const sink = open('awslogs', config({ 'awslogs-datetime-format': '\\[%b %d, %Y %H:%M:%S\\]' }))
    void sink.write(batch('[May 01, 2017 19:00:01] A message was logged\n'))
    void sink.write(batch('[May 01, 2017 19:00:04] Another\n  at f()\n'))
    void sink.write(batch('  at g()\n'))
    void sink.write(batch('apart\n', { stream: 'stderr' }))
    await until(() => messages().length === 3) // the last ends by itself
    expect(messages()).toEqual([
      '[May 01, 2017 19:00:01] A message was logged\n',
      '[May 01, 2017 19:00:04] Another\n  at f()\n  at g()\n',
      'apart\n',
    ])
    const other = open('awslogs', config({ 'awslogs-stream': 'long' }))
    const piece = 'y'.repeat(16_384)
    for (let ordinal = 1; ordinal < 20; ordinal++)
      void other.write(batch(piece, { part: { id: 'x', ordinal, last: false } }))
    void other.write(batch('end\n', { part: { id: 'x', ordinal: 20, last: true } }))
    await until(() => messages('long').length === 2)
    expect(messages('long').map(({ length }) => length)).toEqual([15 * 16_384, 4 * 16_384 + 3])
  })

  it('waits for a service that is away, and gives up what it refuses', async () => {
    const sink = open('awslogs', config({ 'awslogs-create-stream': 'false' }))
    void sink.write(batch('kept\n'))
    await until(() => errors.length === 1)
    expect((errors[0] as Error).cause).toMatchObject({ name: 'ResourceNotFoundException' })
    service.groups.set(group, new Map([[container, []]]))
    await sink.end()
    await until(() => messages().length === 1)
    errors.length = 0
    expect(service.calls).not.toContain('CreateLogStream')
    service.isPicky = true
    void sink.write(batch('bad\n'))
    await sink.end()
    await until(() => errors.length === 1)
    expect(errors.splice(0).map(String)).toEqual([
      `Error: CloudWatch Logs refuses 1 lines of group/${container}`,
    ])
    service.isPicky = false
    void sink.write(batch('good\n'))
    await sink.end()
    await until(() => messages().length === 2)
    expect(messages()).toEqual(['kept', 'good'])
  })

  it('takes region and credentials of the machine', async () => {
    service.groups.set(group, new Map())
    const paths: string[] = []
    const machine = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`)
      if (request.url === '/creds')
        response.end(
          JSON.stringify({
            AccessKeyId: 'a',
            SecretAccessKey: 's',
            Token: 't',
            Expiration: '2026-01-01T00:00:00Z',
          }),
        )
      else if (request.url === '/latest/api/token') response.end('token')
      else if (request.headers['x-aws-ec2-metadata-token'] === 'token') response.end('ap-south-1')
      else response.writeHead(401).end()
    })
    await new Promise<void>((resolve) => machine.listen(0, '127.0.0.1', resolve))
    undo.push(() => void machine.close())
    const { port } = machine.address() as { readonly port: number }
    const origin = `http://127.0.0.1:${port}`
    setEnv({ AWS_EC2_METADATA_SERVICE_ENDPOINT: origin })
    const { 'awslogs-region': _none, ...rest } = config()
    void open('awslogs', rest).write(batch('x\n'))
    await until(() => messages().length === 1)
    expect(paths).toEqual(['PUT /latest/api/token', 'GET /latest/meta-data/placement/region'])
    expect(service.headers[0]?.authorization).toContain('/ap-south-1/logs/aws4_request')
    expect(await containerCredentials('/creds', origin)).toEqual({
      accessKeyId: 'a',
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: new Date('2026-01-01T00:00:00Z'),
    })
    await expect(containerCredentials('/none', origin)).rejects.toThrow('answers 401')
  })

  it.each([
    [{}, "must specify a value for log opt 'awslogs-group'"],
    [{ 'awslogs-x': '1' }, "unknown log opt 'awslogs-x' for awslogs log driver"],
    [{ 'awslogs-create-group': 'x' }, 'strconv.ParseBool: parsing "x": invalid syntax'],
    [
      { 'awslogs-max-buffered-events': '-1' },
      "must specify a positive integer for log opt 'awslogs-max-buffered-events': -1",
    ],
    [{ 'awslogs-format': 'xml' }, "unsupported log format 'xml'"],
    [{ 'awslogs-multiline-pattern': '(' }, 'awslogs could not parse multiline pattern key "("'],
    [
      { 'awslogs-multiline-pattern': 'x', 'awslogs-datetime-format': '%Y' },
      "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
    ],
    [
      { 'awslogs-multiline-pattern': 'x', 'awslogs-format': 'json/emf' },
      "when log opt 'awslogs-format' is set",
    ],
    [{ 'awslogs-endpoint': 'x' }, 'invalid awslogs-endpoint "x"'],
  ])('refuses %j', (options, message) => {
    const needed =
      'awslogs-x' in options || Object.keys(options).length === 0 ? {} : { 'awslogs-group': group }
    expect(() => open('awslogs', { ...needed, ...options }, awslogs)).toThrow(message)
  })
})
