import "reflect-metadata";
import { Controller, Get, Inject, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { DynakvService } from "./dynakv.service.js";

@Controller()
class VisitsController {
  @Inject(DynakvService) private readonly dynakv!: DynakvService;

  @Get("visits")
  async visits(): Promise<string> {
    return String(await this.dynakv.client.incr("visits", { delta: 9_007_199_254_740_993n }));
  }
}

@Module({ controllers: [VisitsController], providers: [DynakvService] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ["error"] });
  await app.listen(0, "127.0.0.1");
  const answer = await fetch(`${await app.getUrl()}/visits`);
  console.log(await answer.text());
  await app.close();
}

void main();
