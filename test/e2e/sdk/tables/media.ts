import type { Scenario } from '../grid.ts'
import { PDF, PNG } from '../pieces.ts'

const LOOK = { type: 'text', text: 'Look.' }
const PNG_BYTES = Buffer.from(PNG, 'base64').length
const PDF_BYTES = Buffer.from(PDF, 'base64').length

const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] })
const openaiImage = (url: string, detail?: string) => ({
  type: 'image_url',
  image_url: { url, ...(detail !== undefined && { detail }) }
})
const anthropicImage = (source: object) => ({ type: 'image', source })
const png = { type: 'base64', media_type: 'image/png', data: PNG }
const pdf = { type: 'base64', media_type: 'application/pdf', data: PDF }

export const media: Scenario[] = [
  {
    name: 'an image in the request',
    openai: user(LOOK, openaiImage(`data:image/png;base64,${PNG}`)),
    anthropic: user(LOOK, anthropicImage(png)),
    reply: { text: `You said: Look.\nI see 1 image (image/png, ${PNG_BYTES} bytes).` }
  },
  {
    name: 'an image by its address',
    openai: user(openaiImage('https://example.com/cat.png'), LOOK),
    anthropic: user(anthropicImage({ type: 'url', url: 'https://example.com/cat.png' }), LOOK),
    reply: { text: 'You said: Look.\nI see 1 image (https://example.com/cat.png).' }
  },
  {
    name: 'two images and their detail',
    openai: user(
      LOOK,
      openaiImage(`data:image/png;base64,${PNG}`, 'high'),
      openaiImage('https://example.com/2.png', 'auto')
    ),
    anthropic: { impossible: 'the dialect has no `detail`' },
    crossed: {
      anthropic: user(LOOK, anthropicImage(png), anthropicImage({ type: 'url', url: 'https://example.com/2.png' }))
    },
    lost: ({ crossing }) => (crossing ? ['messages[0].content[1].detail'] : []),
    reply: { text: `You said: Look.\nI see 2 images (image/png, ${PNG_BYTES} bytes; https://example.com/2.png).` }
  },
  {
    name: 'a PDF document',
    openai: user({ type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` } }, LOOK),
    anthropic: user({ type: 'document', source: pdf, title: 'a.pdf' }, LOOK),
    reply: { text: `You said: Look.\nI see 1 document (application/pdf, 'a.pdf', ${PDF_BYTES} bytes).` }
  },
  {
    name: 'a PDF document without a name',
    openai: { impossible: 'a file in the request must have a name' },
    anthropic: user({ type: 'document', source: pdf }, LOOK),
    crossed: {
      openai: user(
        { type: 'file', file: { filename: 'document.pdf', file_data: `data:application/pdf;base64,${PDF}` } },
        LOOK
      )
    },
    reply: ({ crossing }) => ({
      text: `You said: Look.\nI see 1 document (application/pdf, ${crossing ? "'document.pdf', " : ''}${PDF_BYTES} bytes).`
    })
  },
  {
    name: 'a text document',
    openai: { impossible: 'the dialect has no documents of plain text' },
    anthropic: user(
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'The lamp burns.' } },
      LOOK
    ),
    crossed: { openai: user({ type: 'text', text: 'The lamp burns.' }, LOOK) },
    reply: ({ crossing }) => ({
      text: crossing ? 'You said: The lamp burns.Look.' : 'You said: Look.\nI see 1 document (text/plain, 15 bytes).'
    })
  },
  {
    name: 'a document by its address',
    openai: { impossible: 'chat completions take a file by its bytes or its id' },
    anthropic: user({ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }, LOOK),
    crossed: { openai: { messages: [{ role: 'user', content: 'Look.' }] } },
    lost: ({ crossing }) => (crossing ? ['messages[0].content[0]'] : []),
    reply: ({ crossing }) => ({
      text: `You said: Look.${crossing ? '' : '\nI see 1 document (https://example.com/a.pdf).'}`
    })
  },
  {
    name: 'a text file',
    openai: user(
      {
        type: 'file',
        file: {
          filename: 'a.txt',
          file_data: `data:text/plain;base64,${Buffer.from('The lamp burns.').toString('base64')}`
        }
      },
      LOOK
    ),
    anthropic: { impossible: 'a document of plain text has no bytes there' },
    crossed: {
      anthropic: user(
        {
          type: 'document',
          source: { type: 'text', media_type: 'text/plain', data: 'The lamp burns.' },
          title: 'a.txt'
        },
        LOOK
      )
    },
    reply: { text: "You said: Look.\nI see 1 document (text/plain, 'a.txt', 15 bytes)." }
  },
  {
    name: 'audio',
    openai: user(LOOK, { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
    anthropic: { impossible: 'the dialect has no audio' },
    crossed: { anthropic: { messages: [{ role: 'user', content: 'Look.' }] } },
    lost: ({ crossing }) => (crossing ? ['messages[0].content[1].audio'] : []),
    reply: ({ crossing }) => ({ text: `You said: Look.${crossing ? '' : '\nI see 1 audio (audio/wav, 3 bytes).'}` })
  }
]
