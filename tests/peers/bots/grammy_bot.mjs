// The small dialogue with grammY. See ../test_peers.py for what is said.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { Bot, GrammyError, InlineKeyboard, InputFile, InputMediaBuilder, Keyboard, session, webhookCallback } from "grammy";

const { API, TOKEN, PICTURE, WEBHOOK_PORT } = process.env;
const bot = new Bot(TOKEN, { client: { apiRoot: API } });
bot.use(session({ initial: () => ({ isAsked: false }) }));

bot.command("start", (ctx) =>
  ctx.reply(`<b>Hello</b> ${ctx.from.first_name} ${ctx.match}`.trim(), {
    parse_mode: "HTML",
    reply_markup: new InlineKeyboard().text("Yes", "Yes").text("No", "No"),
  }));

bot.callbackQuery(["Yes", "No"], async (ctx) => {
  await ctx.answerCallbackQuery(`Noted: ${ctx.callbackQuery.data}`);
  await ctx.editMessageText(`You said ${ctx.callbackQuery.data}`);
  try {
    await ctx.editMessageText(`You said ${ctx.callbackQuery.data}`);
  } catch (error) {
    if (!(error instanceof GrammyError)) throw error;
    await ctx.reply(error.description);
  }
});

bot.command("form", async (ctx) => {
  ctx.session.isAsked = true;
  await ctx.reply("How many?", { reply_markup: new Keyboard().text("12").resized() });
});

bot.command("files", async (ctx) => {
  await ctx.replyWithPhoto(new InputFile(Buffer.from(PICTURE, "hex"), "picture.png"), { caption: "a photo" });
  await ctx.replyWithDocument(new InputFile(Buffer.from("año,1\n"), "año 1.csv"), { caption: "a document" });
});

bot.command("more", async (ctx) => {
  await ctx.reply("*bold* ||secret||", { parse_mode: "MarkdownV2" });
  const album = ["one", "two"].map((caption) =>
    InputMediaBuilder.photo(new InputFile(Buffer.from(PICTURE, "hex"), `${caption}.png`), { caption }));
  const [first] = await ctx.replyWithMediaGroup(album);
  await ctx.replyWithPhoto(first.photo.at(-1).file_id, { caption: "again" });
  const place = await ctx.replyWithLocation(18.5, -69.9);
  await ctx.react("👍");
  await ctx.api.deleteMessage(ctx.chat.id, place.message_id);
  const chat = await ctx.getChat();
  await ctx.reply(`${chat.first_name}, ${chat.type}`);
});

bot.on("edited_message:text", (ctx) => ctx.reply(`corrected to ${ctx.msg.text}`));

bot.on([":document", ":photo"], async (ctx) => {
  const file = await ctx.getFile();
  const answer = await fetch(`${API}/file/bot${TOKEN}/${file.file_path}`);
  const content = Buffer.from(await answer.arrayBuffer());
  await ctx.reply(`got ${createHash("sha256").update(content).digest("hex")}`);
});

bot.on("message:text", async (ctx) => {
  if (!ctx.session.isAsked) return;
  ctx.session.isAsked = false;
  await ctx.reply(`${ctx.msg.text} people`, {
    reply_parameters: { message_id: ctx.msg.message_id },
    reply_markup: { remove_keyboard: true },
  });
});

await bot.api.setMyCommands([
  { command: "form", description: "A question" },
  { command: "files", description: "Files" },
]);
if (WEBHOOK_PORT) {
  createServer(webhookCallback(bot, "http", { secretToken: "s3cret" })).listen(Number(WEBHOOK_PORT), "127.0.0.1");
  await bot.api.setWebhook(`http://127.0.0.1:${WEBHOOK_PORT}/hook`, { secret_token: "s3cret" });
} else {
  await bot.start();
}
