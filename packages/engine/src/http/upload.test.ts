import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { dropRest, uploadOf } from './upload.js'

it('uploadOf() hands on what comes', async () => {
  const body = new PassThrough()
  body.write('one ')
  body.end('two')
  expect(await text(uploadOf(body))).toBe('one two')
})

it('uploadOf() gives up one that stalls, and leaves the request alone', async () => {
  const body = new PassThrough()
  body.write('begun')
  await expect(text(uploadOf(body, 20))).rejects.toMatchObject({ status: 408 })
  expect(body.destroyed).toBe(false)
  body.destroy()
})

it('uploadOf() ends with a client that goes away', async () => {
  const body = new PassThrough()
  body.write('begun')
  const read = text(uploadOf(body))
  body.destroy(new Error('gone'))
  await expect(read).rejects.toThrow('gone')
})

it('dropRest() reads to the end, but not for ever', async () => {
  const ends = new PassThrough()
  dropRest(ends)
  ends.end(Buffer.alloc(1_000_000))
  await once(ends, 'close')
  const stalls = new PassThrough()
  dropRest(stalls, 10)
  await once(stalls, 'close')
  expect(stalls.destroyed).toBe(true)
})
