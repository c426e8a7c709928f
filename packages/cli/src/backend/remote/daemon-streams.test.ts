import { describe, expect, it } from '@jest/globals'
import { piecesOf } from './daemon-streams.js'

function frame(kind: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = kind
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

async function read(bytes: Buffer, step: number): Promise<{ stdout: string; stderr: string }> {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += step) yield await Promise.resolve(bytes.subarray(at, at + step))
  }
  const all = { stdout: '', stderr: '' }
  for await (const { stream, bytes: piece } of piecesOf(chunks())) all[stream] += piece.toString()
  return all
}

describe('piecesOf()', () => {
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(0, ' and in')])

  it.each([1, 3, 8, 1000])('takes frames apart that come %d bytes at a time', async (step) => {
    expect(await read(bytes, step)).toEqual({ stdout: 'out and in', stderr: 'err' })
  })

  it('refuses what is no frame, and tells what the daemon tells', async () => {
    await expect(read(Buffer.from('HTTP/1.1 200 OK'), 4)).rejects.toThrow('there is no stream 72')
    await expect(read(frame(3, 'disk full'), 5)).rejects.toThrow('disk full')
  })
})
