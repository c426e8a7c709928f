import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import { describe, expect, it } from '@jest/globals'
import { batch, collect, here, open, tls, until } from '../../../test/support/collectors.js'
import { checkLogConfig } from '../log-config.js'
import { logentriesAt } from './logentries.js'

describe('logentries', () => {
  it.each([
    [
      {},
      `tok web 2026-01-02 03:04:05.123456789 +0000 UTC map[LEVEL:high container_id:${'a'.repeat(64)} container_name:/web log:a b source:stdout]\n`,
    ],
    [{ 'line-only': 'true' }, 'tok a b\n'],
  ])('sends lines with the token before them over TLS, with %j', async (more, line) => {
    const server = createServer({
      cert: readFileSync(tls('server.pem')),
      key: readFileSync(tls('server.key')),
    })
    const service = await collect(server, here)
    const ca = readFileSync(tls('ca.pem'))
    const driver = logentriesAt({
      host: '127.0.0.1',
      port: service.port,
      tls: { ca, servername: 'localhost' },
    })
    const sink = open(
      'logentries',
      { 'logentries-token': 'tok', env: 'LEVEL', tag: '{{.Name}}', ...more },
      driver,
    )
    void sink.write(batch('a b\n'))
    await until(() => service.text().endsWith('\n'))
    expect(service.text()).toBe(line)
  })

  it.each([
    [{}, 'Missing logentries token'],
    [
      { 'logentries-token': 't', 'line-only': 'x' },
      'error parsing lineonly option: strconv.ParseBool: parsing "x"',
    ],
    [{ 'logentries-token': 't', x: '1' }, "unknown log opt 'x' for logentries log driver"],
  ])('refuses %j', (Config, message) => {
    expect(() => checkLogConfig({ Type: 'logentries', Config })).toThrow(message)
  })
})
