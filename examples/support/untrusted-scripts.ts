/** Scripts for the sandbox: modules whose default function is called. One behaves. */
export const untrustedScripts: Readonly<Record<string, string>> = {
  'a good one': `import { writeFileSync } from 'node:fs'
    export default () => { writeFileSync('report.txt', 'all is well'); return { answer: 6 * 7 } }`,
  'an endless loop': 'export default () => { for (;;); }',
  'a memory hog': 'export default () => { const all = []; for (;;) all.push(Buffer.alloc(1e6, 1)) }',
  'one that phones home': `export default () => fetch('http://192.0.2.1/')`,
  'one that changes programs': `import { writeFileSync } from 'node:fs'
    export default () => writeFileSync('/bin/node', '')`,
}
