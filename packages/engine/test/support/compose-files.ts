import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A shop of three services: pages, a database in a volume, a cache in memory. Each is busybox's web server with a script. */
const files: Readonly<Record<string, string>> = {
  'compose.yaml': `
name: shop
x-service: &service
  image: bb:1
  init: true
  stop_grace_period: 1s
services:
  database:
    <<: *service
    command: httpd -f -p 5432 -h /srv
    volumes: [./database:/srv/cgi-bin:ro, rows:/data]
    networks: [back]
    healthcheck:
      test: wget -qO- http://127.0.0.1:5432/cgi-bin/ready
      interval: 200ms
      retries: 100
  cache:
    <<: *service
    command: httpd -f -p 6379 -h /srv
    volumes: [./cache:/srv/cgi-bin:ro]
    tmpfs: [/data]
    networks: [back]
  web:
    <<: *service
    command: httpd -f -p 80 -h /srv
    environment: {GREETING: hello}
    volumes: [./web:/srv/cgi-bin:ro]
    ports: ['80']
    networks: [front, back]
    depends_on:
      database: {condition: service_healthy}
      cache: {condition: service_started}
  report:
    <<: *service
    profiles: [tools]
    command: wget -qO- http://web/cgi-bin/page
    networks: [front]
networks:
  front: {}
  back: {internal: true}
volumes:
  rows: {}
`,
  'database/ready': '#!/bin/sh\ntest -w /data && printf "\\r\\nready\\n"\n',
  'database/add': '#!/bin/sh\necho row >>/data/rows\nprintf "\\r\\n%s\\n" $(wc -l </data/rows)\n',
  'cache/add': '#!/bin/sh\necho row >>/data/rows\nprintf "\\r\\n%s\\n" $(wc -l </data/rows)\n',
  'web/page': `#!/bin/sh
printf '\\r\\n%s: %s rows, %s hits\\n' "$GREETING" "$(wget -qO- http://database:5432/cgi-bin/add)" "$(wget -qO- http://cache:6379/cgi-bin/add)"
`,
}

/** Writes the application into a folder. */
export function writeShop(folder: string): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    chmodSync(path, 0o755)
  }
}
