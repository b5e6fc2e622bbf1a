// The small dialogue with Telegraf. See ../test_peers.py for what is said.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { Input, Markup, session, Telegraf, TelegramError } from "telegraf";
import { editedMessage, message } from "telegraf/filters";

const { API, TOKEN, PICTURE, WEBHOOK_PORT } = process.env;
const bot = new Telegraf(TOKEN, { telegram: { apiRoot: API } });
bot.use(session({ defaultSession: () => ({ isAsked: false }) }));

bot.start((ctx) =>
  ctx.replyWithHTML(
    `<b>Hello</b> ${ctx.from.first_name} ${ctx.payload}`.trim(),
    Markup.inlineKeyboard([Markup.button.callback("Yes", "Yes"), Markup.button.callback("No", "No")]),
  ));

bot.action(["Yes", "No"], async (ctx) => {
  await ctx.answerCbQuery(`Noted: ${ctx.match[0]}`);
  await ctx.editMessageText(`You said ${ctx.match[0]}`);
  try {
    await ctx.editMessageText(`You said ${ctx.match[0]}`);
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    await ctx.reply(error.description);
  }
});

bot.command("form", async (ctx) => {
  ctx.session.isAsked = true;
  await ctx.reply("How many?", Markup.keyboard(["12"]).resize());
});

bot.command("files", async (ctx) => {
  await ctx.replyWithPhoto(Input.fromBuffer(Buffer.from(PICTURE, "hex"), "picture.png"), { caption: "a photo" });
  await ctx.replyWithDocument(Input.fromBuffer(Buffer.from("año,1\n"), "año 1.csv"), { caption: "a document" });
});

bot.command("more", async (ctx) => {
  await ctx.replyWithMarkdownV2("*bold* ||secret||");
  const album = ["one", "two"].map((caption) => (
    { type: "photo", media: Input.fromBuffer(Buffer.from(PICTURE, "hex"), `${caption}.png`), caption }));
  const [first] = await ctx.replyWithMediaGroup(album);
  await ctx.replyWithPhoto(first.photo.at(-1).file_id, { caption: "again" });
  const place = await ctx.replyWithLocation(18.5, -69.9);
  await ctx.react("👍");
  await ctx.deleteMessage(place.message_id);
  const chat = await ctx.getChat();
  await ctx.reply(`${chat.first_name}, ${chat.type}`);
});

bot.on(editedMessage("text"), (ctx) => ctx.reply(`corrected to ${ctx.editedMessage.text}`));

const received = async (ctx) => {
  const file = ctx.message.document ?? ctx.message.photo.at(-1);
  const answer = await fetch(await ctx.telegram.getFileLink(file));
  const content = Buffer.from(await answer.arrayBuffer());
  await ctx.reply(`got ${createHash("sha256").update(content).digest("hex")}`);
};
bot.on(message("document"), received);
bot.on(message("photo"), received);

bot.on(message("text"), async (ctx) => {
  if (!ctx.session.isAsked) return;
  ctx.session.isAsked = false;
  await ctx.reply(`${ctx.message.text} people`, {
    reply_parameters: { message_id: ctx.message.message_id },
    ...Markup.removeKeyboard(),
  });
});

await bot.telegram.setMyCommands([
  { command: "form", description: "A question" },
  { command: "files", description: "Files" },
]);
if (WEBHOOK_PORT) {
  const domain = `http://127.0.0.1:${WEBHOOK_PORT}`;
  createServer(bot.webhookCallback("/hook", { secretToken: "s3cret" })).listen(Number(WEBHOOK_PORT), "127.0.0.1");
  await bot.telegram.setWebhook(`${domain}/hook`, { secret_token: "s3cret" });
} else {
  await bot.launch();
}
