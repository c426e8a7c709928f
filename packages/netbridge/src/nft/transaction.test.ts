import { describe, expect, it } from '@jest/globals'
import { bridgeElement, portAtKey, portKey, subnetElements, targetValue } from './elements.js'
import { NftTransaction } from './transaction.js'

describe('NftTransaction', () => {
  it('writes an element of a map between the ends of a batch', () => {
    const transaction = new NftTransaction('ctrt')
    transaction.addElements('ports', [{ key: portKey('udp', 54), data: targetValue('172.30.0.9', 53) }])
    // as `nft add element inet ctrt ports { udp . 54 : 172.30.0.9 . 53 }` of nft 1.0.6, but for its set number
    expect(Buffer.from(transaction.bytes()).toString('hex')).toBe(
      [
        '14000000100001000000000000000000',
        '0000000a',
        '540000000c0a01040100000000000000',
        '01000000',
        '0900010063747274000000000a000200706f727473000000',
        '28000380240001801000018' + '00c0001001100000000360000' + '100002800c000100ac1e000900350000',
        '14000000110001000200000000000000',
        '0000000a',
      ].join(''),
    )
  })

  it('spreads many elements over messages that hold them', () => {
    const many = Array.from({ length: 1200 }, (_, port) => ({ key: portKey('tcp', port) }))
    const bytes = Buffer.from(new NftTransaction('t').deleteElements('ports', many).bytes())
    let messages = 0
    for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at)) messages++
    expect(messages).toBe(2 + 3)
  })
})

describe('elements', () => {
  it('lay keys and values out as nf_tables compares them', () => {
    expect(portKey('tcp', 8080)).toEqual(Uint8Array.of(6, 0, 0, 0, 0x1f, 0x90, 0, 0))
    expect(portAtKey('127.0.0.1', 'udp', 53)).toEqual(Uint8Array.of(127, 0, 0, 1, 17, 0, 0, 0, 0, 53, 0, 0))
    expect(targetValue('172.30.0.2', 443)).toEqual(Uint8Array.of(172, 30, 0, 2, 1, 0xbb, 0, 0))
    expect(Buffer.from(bridgeElement('br0').key).toString('latin1')).toBe(`br0${'\0'.repeat(13)}`)
  })

  it('give an interval as its first address and the first behind it', () => {
    expect(subnetElements('172.30.0.0/16')).toEqual([
      { key: Uint8Array.of(172, 30, 0, 0) },
      { key: Uint8Array.of(172, 31, 0, 0), intervalEnd: true },
    ])
  })
})
