// Only @ctr/registry: a registry server, an image made, pushed, pulled and inspected. Needs no root and no
// network: node run.mjs registry-only. Given a name, it shows that image of a real registry instead:
// node run.mjs registry-only alpine
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { formatPlatform, ImageStore, parseReference, RegistryClient, RegistryServer } from '@ctr/registry'
import { temporaryFolder } from './support/temporary-folder.js'

using folder = temporaryFolder()
await using client = new RegistryClient()

/** A tar archive with one file, as short as can be: a header of 512 bytes, the content, an end of zeros. */
function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512)
  const fields: [offset: number, text: string][] = [
    [0, name],
    [100, '0000644\0'], // permissions, octal
    [108, '0000000\0'], // owner
    [116, '0000000\0'], // group
    [124, `${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`],
    [136, '00000000000\0'], // time
    [148, '        '], // the checksum counts as blanks
    [156, '0'], // a file
    [257, 'ustar\x0000'],
  ]
  for (const [offset, text] of fields) header.write(text, offset)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512)
  body.write(content)
  return Buffer.concat([header, body, Buffer.alloc(1024)])
}

/** Makes an image of two layers and pushes it. */
async function makeAndPush(registry: string): Promise<string> {
  const store = await ImageStore.open(join(folder.path, 'mine'))
  const made = await store.add(
    {
      config: { config: { Cmd: ['/hello'], Labels: { purpose: 'example' } } },
      layers: [
        { tar: Readable.from([tarOf('hello.txt', 'hello\n')]) },
        { tar: Readable.from([tarOf('large.txt', 'text '.repeat(1_000_000))]) },
      ],
    },
    { reference: 'example:1.0' },
  )
  console.log(`Made image ${made.id.slice(0, 19)}: ${made.layers.length} layers, ${made.size} bytes`)
  const reference = `${registry}/team/example:1.0`
  const { digest } = await store.push(reference, { image: made.id, client })
  console.log(`Pushed it to ${reference}: ${digest.slice(0, 19)}`)
  for await (const tag of client.tags(reference)) console.log(`The registry has tag ${tag}`)
  return reference
}

await using server = await RegistryServer.start() // on 127.0.0.1, content in a temporary folder
const wanted = process.argv[2] ?? (await makeAndPush(server.address))

const { registry, repository, tag } = parseReference(wanted)
console.log(`\n${wanted} is ${repository} with tag ${String(tag)} at ${registry}`)
const store = await ImageStore.open(join(folder.path, 'pulled'))
const image = await store.pull(wanted, {
  client,
  onProgress: (event) => {
    if (event.kind === 'blob' && event.status === 'done')
      console.log(`  ${event.digest.slice(0, 19)} ${event.size} bytes`)
  },
})
console.log(`Pulled ${image.id.slice(0, 19)} for ${formatPlatform(image.config)}`)
console.log(`It runs ${JSON.stringify(image.config.config.Cmd)}, its layers are`)
for (const { descriptor, diffId } of image.layers)
  console.log(`  ${diffId.slice(0, 19)} as ${descriptor.mediaType}`)
console.log(`Here it is also called ${image.references.join(', ')}`)
