import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { batch, open, time, tls, undo, until } from '../../../test/support/collectors.js'

describe('splunk', () => {
  it.each([
    ['inline', { line: '{"a":1}', source: 'stdout', tag: 'a'.repeat(12), attrs: { LEVEL: 'high' } }],
    ['json', { line: { a: 1 }, source: 'stdout', tag: 'a'.repeat(12), attrs: { LEVEL: 'high' } }],
    ['raw', `${'a'.repeat(12)} LEVEL=high {"a":1}`],
  ])('posts %s events over TLS, compressed', async (format, event) => {
    const requests: { readonly path: string; readonly token: string; readonly body: string }[] = []
    const server = createHttps({
      cert: readFileSync(tls('server.pem')),
      key: readFileSync(tls('server.key')),
    })
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = gunzipSync(Buffer.concat(chunks)).toString()
        requests.push({ path: request.url ?? '', token: request.headers.authorization ?? '', body })
        response.end('{"text":"Success","code":0}')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    undo.push(() => server.close())
    const sink = open('splunk', {
      'splunk-url': `https://localhost:${(server.address() as AddressInfo).port}`,
      'splunk-token': 'secret',
      'splunk-capath': tls('ca.pem'),
      'splunk-format': format,
      'splunk-gzip': 'true',
      'splunk-index': 'main',
      env: 'LEVEL',
    })
    void sink.write(batch('{"a":1}\n'))
    await until(() => requests.length === 1)
    const [{ path, token, body } = { path: '', token: '', body: '{}' }] = requests
    expect([path, token]).toEqual(['/services/collector/event/1.0', 'Splunk secret'])
    expect(JSON.parse(body)).toEqual({
      event,
      time: `${Math.floor(Date.parse(time) / 1000)}.123456`,
      host: expect.any(String) as unknown,
      index: 'main',
    })
  })
})
