import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, it } from '@jest/globals'
import { numbersFrom } from '@ctr/testing'
import { checkParser } from '../test/support/parser-properties.js'
import { mediaTypes } from './manifest/media-types.js'

/** Inputs that a fuzzer found, each once a fault. */
const fixtures = fileURLToPath(new URL('../test/fixtures/parsers/', import.meta.url))

const digest = `sha256:${'a'.repeat(64)}`
const descriptor = { mediaType: mediaTypes.ociLayer, digest, size: 3, annotations: { a: 'b' } }
const seeds: readonly (readonly [parser: number, input: string])[] = [
  [
    0,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptor,
      layers: [descriptor],
      subject: descriptor,
    }),
  ],
  [
    0,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }],
    }),
  ],
  [
    1,
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['a'], Volumes: { '/v': {} } },
      rootfs: { type: 'layers', diff_ids: [digest] },
    }),
  ],
  [2, `h.io:5000/a/b:tag@${digest}`],
  [2, '[::1]:5000/a'],
  [3, 'Basic realm="x", Bearer realm="https://a/b",scope="repository:a:pull,push"'],
  [4, '</v2/a/tags/list?n=1&last=x>; rel="next"'],
  [5, 'linux/arm64/v8'],
  [6, 'h.io:5000/\n.h.io,10.0.0.0/8,[fd00::]/8'],
]

/** Changes, removes, repeats and mixes in some bytes. */
function mutate(input: Buffer, other: Buffer, next: (bound: number) => number): Buffer {
  let bytes = input
  for (let n = next(4); n >= 0; n--) {
    const [from, to] = [1 + next(bytes.length), 1 + next(bytes.length)].sort((a, b) => a - b) as [
      number,
      number,
    ]
    const piece = other.subarray(next(other.length), next(other.length) + 8)
    const middle = [
      Buffer.from([next(256)]),
      Buffer.alloc(0),
      Buffer.concat([bytes.subarray(from, to), bytes.subarray(from, to)]),
      piece,
    ]
    bytes = Buffer.concat([
      bytes.subarray(0, from),
      middle[next(middle.length)]!,
      bytes.subarray(next(2) === 0 ? from + 1 : to),
    ])
  }
  return bytes.subarray(0, 4096)
}

describe('parsers of what a registry or a user writes', () => {
  it.each(readdirSync(fixtures))('hold for what a fuzzer found: %s', (name) => {
    checkParser(readFileSync(`${fixtures}${name}`))
  })

  it('hold for anything like what they are made for', () => {
    const next = numbersFrom(20_260_101)
    const inputs = seeds.map(([parser, text]) => Buffer.concat([Buffer.from([parser]), Buffer.from(text)]))
    for (const input of inputs) checkParser(input)
    for (let n = 0; n < 20_000; n++) {
      const [input, other] = [inputs[next(inputs.length)]!, inputs[next(inputs.length)]!]
      checkParser(mutate(input, other, next))
    }
  }, 60_000)
})
